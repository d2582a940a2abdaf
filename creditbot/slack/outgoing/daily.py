"""What the channel of approvals is told once a day: the digest, and what a comparison found.

What can't be posted there for too long is sent to the approvers whom the policy lists; what can't be drawn is
told to be missing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from creditbot.domain.digest import DIGEST, Digest
from creditbot.domain.drift import DRIFT, Comparison
from creditbot.domain.undone import Undone
from creditbot.jobs.give_up import undone
from creditbot.jobs.messenger import Fault
from creditbot.jobs.outgoing import Failure, Found, Kind, Undeliverable
from creditbot.jobs.retries import DAILY
from creditbot.slack import undone as missing
from creditbot.slack.digest import digest
from creditbot.slack.drift import comparison
from creditbot.slack.message import Message, context
from creditbot.store import outbox
from creditbot.store.connection import AsyncConnection
from creditbot.store.database import Transaction
from creditbot.store.outbox import Outgoing

from .tools import Tools

INSTEAD = "instead"
"""The kind of a daily message for a person, who gets it `instead_of` a channel that can't be reached."""

MOST = 20
"""People who are sent a daily message that could not be posted."""

log = structlog.get_logger(__name__)

Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Daily:
    """What a daily message of this kind says, as it lies in the outbox."""

    kind: str
    content: Content
    instead_of: str | None = None

    async def draw(self) -> Mapping[str, Any]:
        message = self._message()
        if self.instead_of is not None:
            why = f"You get this because creditbot can't post it in <#{self.instead_of}>."
            message = Message(f"{message.text} {why}", [*message.blocks, context(why)])
        return message.payload()

    def read(self) -> Digest | Comparison | Undone:
        """What it is, as a value."""
        found = Undone.read(self.kind, self.content)
        return found if found is not None else READERS[self.kind](self.content)

    def _message(self) -> Message:
        match self.read():
            case Digest() as found:
                return digest(found)
            case Comparison() as found:
                return comparison(found)
            case Undone() as found:
                return missing.undone(found)


READERS: Mapping[str, Callable[[Content], Digest | Comparison]] = {
    DIGEST: Digest.read,
    DRIFT: Comparison.read,
}


class InChannel(Kind[Content]):
    """Where it belongs. What it says was worked out once, and stays."""

    patience = DAILY

    def __init__(self, tools: Tools) -> None:
        self._policy = tools.policy

    async def look(self, connection: AsyncConnection, row: Outgoing, now: datetime) -> Found[Content]:
        del connection, now
        # It has none only if that could not be read.
        content = undone(row.kind).document() if row.content is None else row.content
        return Found(Daily(row.kind, content), content)

    def log(self, failure: Failure[Content], *, over: bool) -> None:
        row = failure.row
        about = {"kind": row.kind, "channel": row.recipient, "error": failure.problem.detail}
        if not over:
            log.warning("A daily message could not be posted; it will be tried again", **about)
        elif _said_instead(failure):
            log.error("A daily message could not be posted; that it is missing is told instead", **about)
        else:
            log.error("A daily message could not be posted; it goes to the listed approvers", **about)

    async def failed(self, transaction: Transaction, failure: Failure[Content], *, over: bool) -> bool:
        if not (over and _said_instead(failure)):
            return False
        await outbox.say_instead(transaction, failure.row, undone(failure.row.kind).document())
        return True

    async def given_up(self, transaction: Transaction, failure: Failure[Content]) -> None:
        """The ledger has it all, and the log that it was not posted."""
        if failure.found is None:
            return
        row = failure.row
        content = {"kind": row.kind, "instead_of": row.recipient, "content": failure.found.about}
        subject = f"message {row.id}"
        for person in sorted(self._policy.approvers_of_all_tiers.people)[:MOST]:
            await outbox.put(transaction, INSTEAD, person, failure.at, subject=subject, content=content)


class ToPerson(Kind[Content]):
    """Instead of the channel. If they can't be told, either, that is the end of it."""

    def __init__(self, tools: Tools) -> None:
        del tools

    async def look(self, connection: AsyncConnection, row: Outgoing, now: datetime) -> Found[Content]:
        del connection, now
        content = row.content or {}
        try:
            daily = Daily(content["kind"], content["content"], content["instead_of"])
        except KeyError as lacking:
            raise Undeliverable(f"its content has no {lacking}") from lacking
        return Found(daily, content)


def _said_instead(failure: Failure[Content]) -> bool:
    """Whether it can't be drawn, so that it is told to be missing; unless that is what can't be drawn."""
    said, found = undone(failure.row.kind).document(), failure.found
    return failure.problem.fault is Fault.OURS and found is not None and found.about != said


KINDS = {DIGEST: InChannel, DRIFT: InChannel, INSTEAD: ToPerson}
