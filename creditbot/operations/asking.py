"""Asking for a credit change, and asking once more for one that failed."""

from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain import policy as rules
from creditbot.domain.commands import Ask
from creditbot.domain.errors import Refusal, UnknownRequest
from creditbot.domain.policy import Policy
from creditbot.domain.requests import CreditRequest
from creditbot.store import requests
from creditbot.store.database import Database, Transaction

from .deeds import Arrival, Deed, came_before, record_refusal


class Requests:
    """Takes requests down. What needs SendGrid comes after, in a job."""

    def __init__(
        self, database: Database, policy: Policy, channel: str, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._policy = policy
        self._channel = channel
        self._clock = clock

    async def ask(self, command: Ask, *, requested_by: str, arrival: Arrival) -> CreditRequest:
        """Commit a pending request, or find the one that the same delivery has made before.

        Raises:
            NotTaken: the database did not answer in time; nothing was written.
            MaybeTaken: the database went away during the commit.
        """
        origin = arrival.id or f"unnamed:{uuid4()}"

        async def take_down(transaction: Transaction) -> CreditRequest:
            return await self._take_down(transaction, command, requested_by, origin)

        return await self._database.for_person(take_down, arrival.at)

    async def ask_again(
        self, request_id: int, *, requested_by: str, arrival: Arrival
    ) -> CreditRequest | None:
        """Commit a new request for what a failed one asked; it needs its own approval.

        Returns None if Slack had delivered this before.

        Raises:
            Refusal: it has not failed, or has been asked for again already; that is an event, too.
            UnknownRequest: there is no such request; likewise.
            NotTaken: the database did not answer in time; nothing was written.
            MaybeTaken: the database went away during the commit.
        """
        deed = Deed(request_id, "request_again", requested_by)

        async def take_down(transaction: Transaction) -> CreditRequest | Refusal | None:
            if await came_before(transaction, arrival, self._clock()):
                return None
            failed = await requests.get(transaction.connection, request_id)
            refusal = await _judge(transaction.connection, failed, deed)
            if failed is not None and refusal is None:
                return await self._follow(transaction, failed, requested_by)
            refusal = refusal or UnknownRequest(request_id)
            await record_refusal(transaction, failed, deed, refusal, self._clock())
            return refusal

        found = await self._database.for_person(take_down, arrival.at)
        if isinstance(found, Refusal):
            raise found
        return found

    async def _follow(self, transaction: Transaction, failed: CreditRequest, by: str) -> CreditRequest:
        command = Ask(failed.subuser, failed.allocation_update, failed.reason)
        asked = await self._take_down(transaction, command, by, f"again:{failed.id}", again_of=failed.id)
        await requests.touch(transaction, failed.id, asked_again_as=asked.id)
        return asked

    async def _take_down(
        self, transaction: Transaction, command: Ask, by: str, origin: str, again_of: int | None = None
    ) -> CreditRequest:
        now = self._clock()
        request_id = await requests.create(
            transaction,
            origin=origin,
            channel=self._channel,
            subuser=command.subuser,
            allocation_update=command.allocation_update,
            reason=command.reason,
            requested_by=by,
            at=now,
            expires_at=now + self._policy.expiry,
            approvals_needed=self._policy.approvals_needed,
            again_of=again_of,
        )
        request = await requests.get(transaction.connection, request_id)
        if request is None:
            raise LookupError(f"request {request_id} was written and is not there")
        return request


async def _judge(connection: AsyncConnection, failed: CreditRequest | None, deed: Deed) -> Refusal | None:
    if failed is None:
        return UnknownRequest(deed.request_id)
    try:
        rules.check_again(failed)
    except Refusal as refusal:
        follower = await requests.get(connection, failed.asked_again_as or 0)
        if follower is not None and follower.requested_by == deed.actor:
            return Refusal(rules.REPEATED, refusal.sentence)  # nothing went wrong: it is there already
        return refusal
    return None
