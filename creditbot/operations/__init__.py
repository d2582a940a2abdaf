"""One async function for each thing that a person can ask or decide.

Asking and deciding commit before they return, so that what a person sees accepted survives any crash.
"""

from .asking import Requests
from .deciding import Decisions
from .deeds import Arrival
from .moving import move_cards
from .names import Names
from .policies import put_in_force
from .reading import EXAMINED, BalanceReport, OpenRequests, Reading, Record
from .tokens import give_tokens

__all__ = [
    "EXAMINED",
    "Arrival",
    "BalanceReport",
    "Decisions",
    "Names",
    "OpenRequests",
    "Reading",
    "Record",
    "Requests",
    "give_tokens",
    "move_cards",
    "put_in_force",
]
