"""What is done without a person waiting.

Each job reads the state and does what it calls for, so that it may run twice, late, or after a crash.
"""

from .announce import Announce
from .apply import MARGIN, Apply
from .bounded import bound
from .check import Check
from .compare import Compare
from .draw import Draw
from .expire import Expire
from .gate import Gate
from .messenger import DeliveryProblem, Fault, Messenger
from .notify import Notify
from .remind import Remind
from .settle import Settle

__all__ = [
    "MARGIN",
    "Announce",
    "Apply",
    "Check",
    "Compare",
    "DeliveryProblem",
    "Draw",
    "Expire",
    "Fault",
    "Gate",
    "Messenger",
    "Notify",
    "Remind",
    "Settle",
    "bound",
]
