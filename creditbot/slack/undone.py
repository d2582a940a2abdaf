"""What people see of a daily message that came to nothing. A pure function to a message."""

from creditbot.domain.digest import DIGEST
from creditbot.domain.drift import DRIFT
from creditbot.domain.undone import Undone

from .message import Message, sentence

WHAT = {DIGEST: "daily credit summary", DRIFT: "comparison of balances with the ledger"}


def undone(found: Undone) -> Message:
    return sentence(f"*The {WHAT.get(found.kind, 'daily message')} is missing today.* {found.problem}")
