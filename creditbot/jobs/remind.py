"""Telling those who may decide, and have not, that a request waits; and others when nobody does."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from creditbot.domain.policy import Policy
from creditbot.domain.reminders import ESCALATED, REMINDER, Look, look, reminder_kind
from creditbot.domain.requests import CreditRequest, Outline, Status
from creditbot.domain.who import Directory, Roster
from creditbot.store import events, outbox, requests
from creditbot.store.database import Database, Transaction
from creditbot.store.work_on_requests import REMIND

from .give_up import request_ends
from .job import Job, Parts

LATER = timedelta(seconds=45)
"""Until the next look where Slack did not say who is in a user group, so that someone may yet be untold."""


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
            unread: frozenset[str] = frozenset()
            if found.reminders > reminded:
                unread = await self._remind(transaction, request, roster, found)
                reminded = reminded if unread else found.reminders
            if self._policy.escalated(request, now):
                unread |= await self._escalate(transaction, request, roster, found)
            soon = now + LATER if unread else None
            coming = (moment for moment in (found.next, soon) if moment and moment < request.expires_at)
            again = min(coming, default=None)
            await requests.look_again(transaction, request_id, again, reminded=reminded)

    async def _remind(
        self, transaction: Transaction, request: CreditRequest, roster: Roster, found: Look
    ) -> frozenset[str]:
        """One reminder, however many are over: after an outage, of Slack too, nobody gets several at once.

        Returns the groups whose members could not be told. The ledger hears of each look that told
        someone, and of the one with which the reminder is over.
        """
        now = self._clock()
        may_still = self._policy.quorum(request, roster, now).may_still
        unread = roster.unread(may_still)
        kind = reminder_kind(self._policy, found.reminders)
        await outbox.withdraw(transaction, request.id, now, [REMINDER], but=kind)
        people = await self._tell(transaction, request, kind, roster.everyone(may_still))
        if people or not unread:
            detail: dict[str, object] = {"reminder": found.reminders, "people": people}
            if unread:
                detail["unread"] = sorted(unread)
            await events.append(
                transaction.connection, "reminded", at=now, request_id=request.id, detail=detail
            )
        return unread

    async def _escalate(
        self, transaction: Transaction, request: CreditRequest, roster: Roster, found: Look
    ) -> frozenset[str]:
        """From now on others may decide: the card says so at once, and they are told when they are awake.

        Returns the groups whose members could not be told.
        """
        escalate_to = self._policy.reminders.escalate_to
        if not await events.has_happened(transaction.connection, request.id, ESCALATED):
            to = escalate_to.listed()
            await events.append(
                transaction.connection, ESCALATED, at=self._clock(), request_id=request.id, detail={"to": to}
            )
            await requests.touch(transaction, request.id)
        if not found.tell_backup:
            return frozenset()
        await self._tell(transaction, request, ESCALATED, roster.everyone(escalate_to))
        return roster.unread(escalate_to)

    async def _tell(
        self, transaction: Transaction, request: CreditRequest, kind: str, people: Iterable[str]
    ) -> list[str]:
        """Tell those who can add to what was agreed; return who had not been told yet."""
        done = {request.requested_by, *request.approvers}
        return [
            person
            for person in sorted(set(people) - done)
            if await outbox.tell(transaction, request.id, kind, person, self._clock())
        ]


async def _give_up(parts: Parts, transaction: Transaction, request: Outline) -> None:
    del parts
    if request.status is Status.PENDING:
        await requests.remind_no_more(transaction, request.id)


JOB = Job(
    REMIND,
    lambda parts: Remind(parts.database, parts.policy, parts.directory, parts.clock).__call__,
    request_ends(_give_up),
)
