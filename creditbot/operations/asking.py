"""Asking for a credit change."""

from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from creditbot.domain.commands import Ask
from creditbot.domain.policy import Policy
from creditbot.domain.requests import CreditRequest
from creditbot.store import requests
from creditbot.store.database import Database

from .deeds import Arrival


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
        """
        now = self._clock()
        async with self._database.write_for_person(arrival.at) as transaction:
            request_id = await requests.create(
                transaction,
                origin=arrival.id or f"unnamed:{uuid4()}",
                channel=self._channel,
                subuser=command.subuser,
                allocation_update=command.allocation_update,
                reason=command.reason,
                requested_by=requested_by,
                at=now,
                expires_at=now + self._policy.expiry,
                approvals_needed=self._policy.approvals_needed,
            )
            request = await requests.get(transaction.connection, request_id)
        if request is None:
            raise LookupError(f"request {request_id} was written and is not there")
        return request
