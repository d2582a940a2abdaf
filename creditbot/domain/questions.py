"""Whoever asks for the very same again within minutes is asked first whether they mean it.

A command that was typed twice looks like that, and so does a change that is wanted twice.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .commands import Ask
from .errors import Refusal
from .place import Place
from .requests import OPEN, CreditRequest, Status

SAME_WITHIN = timedelta(minutes=10)
"""How long after a request its requester is asked about another one for the same."""

SAME_IN = OPEN | {Status.APPLIED}
"""In which states a request counts: what has come to nothing may well be asked for once more."""

WAITS = timedelta(minutes=30)
"""How long a question can be answered; as long as Slack takes an answer to what it delivered."""

TOKEN = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Question:
    """What `person` has asked for at `at`, and is to say once more; nothing is taken down until then.

    `same` is their earlier request for it, with its card. `token` is what the button or the form carries
    that takes it down: a new or restored database may give out any number again.
    """

    token: str = field(repr=False)
    origin: str
    person: str
    command: Ask
    at: datetime
    same: CreditRequest
    card: Place | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether it is too late for an answer."""
        return now - self.at > WAITS


def no_question() -> Refusal:
    """The refusal for an answer to what is not asked, or not any more, or of someone else."""
    return Refusal(
        "no_question",
        "Nothing was requested: this question was for someone else, or is more than "
        f"{WAITS // timedelta(minutes=1)} minutes old. If you still want the change, ask for it again.",
    )
