"""A change that was approved and not yet sent, under another policy than the one that holds now."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from creditbot.domain import change_rules, rules
from creditbot.domain.errors import Refusal
from creditbot.domain.markup import without_markup
from creditbot.domain.policy import Policy
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.who import Directory, Roster
from creditbot.elapsed import Stopwatch
from creditbot.jobs.backoff import GIVE_UP_AFTER
from creditbot.store import attempts, events, outbox, requests
from creditbot.store.attempts import MAY_BE_REPEATED
from creditbot.store.connection import AsyncConnection
from creditbot.store.database import Database, Transaction

LATER = timedelta(seconds=30)

SOON = timedelta(seconds=5)
"""How old the list of a group's members may get before it is used: a change must bite within a minute."""

HELD = "held"
"""The event, and the notice to its requester, that a user group must be readable before it goes on."""


class Recheck:
    """Lets a request go to SendGrid only if the present policy would have approved it, too."""

    def __init__(
        self,
        database: Database,
        policy: Policy,
        directory: Directory,
        clock: Callable[[], datetime],
        stopwatch: Callable[[], Stopwatch] = Stopwatch,
    ) -> None:
        self._stopwatch = stopwatch
        self._database = database
        self._policy = policy
        self._directory = directory
        self._clock = clock

    async def __call__(self, request_id: int) -> bool:
        """Whether it may go on; if not, it has ended, or is looked at again later."""
        async with self._database.read() as connection:
            request = await self._to_be_judged(connection, request_id)
        if request is None:
            return True
        roster, waiting = await self._directory(), self._stopwatch()
        async with self._database.write() as transaction:
            current = await self._to_be_judged(transaction.connection, request_id)
            if current is None:
                return True
            in_time = timedelta(seconds=waiting.seconds()) < SOON
            return in_time and await self._judge(transaction, current, roster)

    async def _to_be_judged(self, connection: AsyncConnection, request_id: int) -> CreditRequest | None:
        """The request, if another policy approved it and nothing of it can have been applied yet."""
        request = await requests.get(connection, request_id)
        if request is None or request.policy_hash == self._policy.hash:
            return None
        if request.status is Status.APPLYING:
            last = await attempts.last(connection, request_id)
            return request if last is None or last.outcome in MAY_BE_REPEATED else None
        return request if request.status is Status.APPROVED else None

    async def _judge(self, transaction: Transaction, request: CreditRequest, roster: Roster) -> bool:
        now = self._clock()
        usage = await requests.usage(
            transaction.connection,
            self._policy.limits,
            now,
            requested_by=request.requested_by,
            changes=[request.change],
            without=[request.id],
        )
        try:
            rules.check_still_approved(request, self._policy, roster, now)
            change_rules.check_change_allowed(
                [request.change], self._policy, usage, whose="Its requester has"
            )
        except Refusal as refusal:
            if refusal.rule != rules.GROUP_UNREADABLE:
                await self._end(transaction, request, refusal.rule, refusal.sentence, now)
            elif now - await self._tried_since(transaction, request, now) > GIVE_UP_AFTER:
                await self._end(transaction, request, refusal.rule, f"{refusal.sentence} {_gave_up()}", now)
            else:
                await requests.postpone(transaction, request, now + LATER, 0)
                await self._hold(transaction, request, refusal, now)
            return False
        return True

    async def _tried_since(self, transaction: Transaction, request: CreditRequest, now: datetime) -> datetime:
        """When it was claimed; or, of what was not, when a group could not be read for the first time."""
        if request.claimed_at is not None:
            return request.claimed_at
        return await events.first_at(transaction.connection, request.id, HELD) or now

    async def _hold(
        self, transaction: Transaction, request: CreditRequest, refusal: Refusal, now: datetime
    ) -> None:
        """Say on the card what it waits for, and tell its requester; once, however often it is tried."""
        if request.status is not Status.APPROVED:
            return  # it was claimed: its time is short, and nothing but sending it is left to wait for
        sentence = f"{_CHANGED} {refusal.sentence} {_going_on()}"
        if request.explanation != sentence:
            detail = {"rule": refusal.rule, "policy": self._policy.hash, "said": without_markup(sentence)}
            await requests.amend(
                transaction, request.id, HELD, at=now, detail=detail, explanation=sentence, waits_for=None
            )
            await outbox.tell(transaction, request.id, HELD, request.requested_by, now)
        elif request.waits_for is not None:
            await requests.touch(transaction, request.id, waits_for=None)

    async def _end(
        self, transaction: Transaction, request: CreditRequest, rule: str, why: str, now: datetime
    ) -> None:
        """What waits its turn is cancelled; what was claimed already can only fail."""
        to = Status.CANCELLED if request.status is Status.APPROVED else Status.FAILED
        nobody: dict[str, Any] = {"decided_by": None} if to is Status.CANCELLED else {}
        await requests.end(
            transaction,
            request,
            to,
            at=now,
            rule=rule,
            said=f"{_CHANGED} {why}",
            detail={"policy": self._policy.hash},
            **nobody,
        )


_CHANGED = "The policy changed before this was sent."


def _going_on() -> str:
    return (
        f"creditbot asks Slack again every {round(LATER.total_seconds())} seconds, and gives up after "
        f"{_minutes()} minutes. Tell whoever runs creditbot: the group may be disabled or deleted."
    )


def _gave_up() -> str:
    return (
        f"creditbot tried for {_minutes()} minutes and sent nothing. Tell whoever runs creditbot: the group "
        "may be disabled or deleted. Ask again once this is fixed."
    )


def _minutes() -> int:
    return round(GIVE_UP_AFTER.total_seconds() / 60)
