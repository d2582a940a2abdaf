"""Telling those who may decide, and have not, that a request waits; and others when nobody does."""

from collections.abc import Callable, Iterable
from datetime import datetime

from creditbot.domain.policy import Policy
from creditbot.domain.reminders import ESCALATED, REMINDER, Look, look
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.who import Directory, Roster
from creditbot.store import events, notices, requests
from creditbot.store.database import Database, Transaction


class Remind:
    """Writes down whom to tell, once for each reminder, and when to look again."""

    def __init__(
        self, database: Database, policy: Policy, directory: Directory, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._policy = policy
        self._directory = directory
        self._clock = clock

    async def __call__(self, request_id: int) -> None:
        roster = await self._directory()
        async with self._database.write() as transaction:
            request = await requests.get(transaction.connection, request_id)
            if request is None or request.status is not Status.PENDING:
                return
            now = self._clock()
            found = look(self._policy, request.requested_at, now)
            reminded = await requests.reminded(transaction.connection, request_id)
            if found.reminders > reminded:
                await self._remind(transaction, request, roster, found)
            if self._policy.escalated(request, now):
                await self._escalate(transaction, request, roster, found)
            await requests.look_again(
                transaction, request_id, found.next, reminded=max(found.reminders, reminded)
            )

    async def _remind(
        self, transaction: Transaction, request: CreditRequest, roster: Roster, found: Look
    ) -> None:
        """One reminder, however many are over: after an outage nobody gets several at once."""
        now = self._clock()
        whom = roster.everyone(self._policy.quorum(request, roster, now).may_still)
        people = sorted(whom - {request.requested_by})
        await self._tell(transaction, request, f"{REMINDER}{found.reminders}", people)
        await events.append(
            transaction.connection,
            "reminded",
            at=now,
            request_id=request.id,
            detail={"reminder": found.reminders, "people": people},
        )

    async def _escalate(
        self, transaction: Transaction, request: CreditRequest, roster: Roster, found: Look
    ) -> None:
        """From now on others may decide: the card says so at once, and they are told when they are awake."""
        if not await events.has_happened(transaction.connection, request.id, ESCALATED):
            to = self._policy.reminders.escalate_to.listed()
            await events.append(
                transaction.connection, ESCALATED, at=self._clock(), request_id=request.id, detail={"to": to}
            )
            await requests.touch(transaction, request.id)
        if found.tell_backup:
            backup = roster.everyone(self._policy.reminders.escalate_to) - {request.requested_by}
            await self._tell(transaction, request, ESCALATED, sorted(backup))

    async def _tell(
        self, transaction: Transaction, request: CreditRequest, kind: str, people: Iterable[str]
    ) -> None:
        for person in people:
            await notices.add(transaction, request.id, kind, person, self._clock())
