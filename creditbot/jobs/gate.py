"""A change that waits its turn, approved under another policy than the one that holds now."""

from collections.abc import Callable
from datetime import datetime, timedelta

from creditbot.domain import rules
from creditbot.domain.errors import Refusal
from creditbot.domain.policy import DAY, Policy, Usage
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.text import without_markup
from creditbot.domain.who import Directory, Roster
from creditbot.store import requests
from creditbot.store.database import Database, Transaction

LATER = timedelta(seconds=30)


class Gate:
    """Lets a request go to SendGrid only if the present policy would have approved it, too."""

    def __init__(
        self, database: Database, policy: Policy, directory: Directory, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._policy = policy
        self._directory = directory
        self._clock = clock

    async def __call__(self, request_id: int) -> bool:
        """Whether it may go on; if not, it has been cancelled, or is looked at again later."""
        async with self._database.read() as connection:
            request = await requests.get(connection, request_id)
        if request is None or request.status is not Status.APPROVED:
            return True
        if request.policy_hash == self._policy.hash:
            return True
        roster = await self._directory()
        async with self._database.write() as transaction:
            current = await requests.get(transaction.connection, request_id)
            if current is None or current.status is not Status.APPROVED:
                return True
            return await self._judge(transaction, current, roster)

    async def _judge(self, transaction: Transaction, request: CreditRequest, roster: Roster) -> bool:
        now = self._clock()
        usage = Usage()
        if self._policy.limits.rolling:
            usage = await requests.usage(
                transaction.connection,
                since=now - DAY,
                requested_by=request.requested_by,
                subuser=request.subuser,
                without=request.id,
            )
        try:
            rules.check_still_approved(request, self._policy, roster, now)
            rules.check_change_allowed(
                request.subuser, request.allocation_update, self._policy, usage, whose="Its requester has"
            )
        except Refusal as refusal:
            if refusal.rule == rules.GROUP_UNREADABLE:
                await requests.postpone(transaction, request, now + LATER, 0)
            else:
                await self._cancel(transaction, request, refusal, now)
            return False
        return True

    async def _cancel(
        self, transaction: Transaction, request: CreditRequest, refusal: Refusal, now: datetime
    ) -> None:
        sentence = f"The policy was changed before it could be sent. {refusal.sentence}"
        await requests.transition(
            transaction,
            request,
            Status.CANCELLED,
            kind="cancelled",
            at=now,
            detail={
                "rule": refusal.rule,
                "policy": self._policy.hash,
                "said": without_markup(sentence),
            },
            decided_by=None,
            explanation=sentence,
            finished_at=now,
        )
