"""One async function for each thing that a person can ask or decide.

Asking and deciding commit before they return, so that what a person sees accepted survives any crash.
"""

from .asking import Requests
from .clicks import Clicks
from .creating import Creator
from .deciding import Decider
from .decisions import Decisions
from .delivery import Delivery
from .following import Followers
from .moving import move_cards
from .names import Names
from .policies import activate_policy
from .queries import EXAMINED, BalanceReport, OpenRequests, Queries, Record
from .refusals import Refusals
from .settlements import Settlements
from .tokens import give_tokens

__all__ = [
    "EXAMINED",
    "BalanceReport",
    "Clicks",
    "Creator",
    "Decider",
    "Decisions",
    "Delivery",
    "Followers",
    "Names",
    "OpenRequests",
    "Queries",
    "Record",
    "Refusals",
    "Requests",
    "Settlements",
    "activate_policy",
    "give_tokens",
    "move_cards",
]
