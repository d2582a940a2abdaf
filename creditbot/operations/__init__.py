"""One async function for each thing that a person can ask or decide.

Asking and deciding commit before they return, so that what a person sees accepted survives any crash.
"""

from .asking import Requests
from .deciding import Decisions
from .delivery import Delivery
from .moving import move_cards
from .names import Names
from .policies import activate_policy
from .queries import EXAMINED, BalanceReport, OpenRequests, Queries, Record
from .tokens import give_tokens

__all__ = [
    "EXAMINED",
    "BalanceReport",
    "Decisions",
    "Delivery",
    "Names",
    "OpenRequests",
    "Queries",
    "Record",
    "Requests",
    "activate_policy",
    "give_tokens",
    "move_cards",
]
