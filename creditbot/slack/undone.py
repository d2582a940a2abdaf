"""What people see of a daily message that came to nothing. A pure function to a message."""

from creditbot.domain.undone import Undone
from creditbot.store.bulletins import DIGEST, DRIFT

from .message import Message, sentence

WHAT = {DIGEST: "daily credit summary", DRIFT: "comparison of balances with the ledger"}


def undone(found: Undone) -> Message:
    return sentence(f"*The {WHAT.get(found.kind, 'daily message')} is missing today.* {found.problem}")
