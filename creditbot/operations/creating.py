"""What may be asked for, and a request for it."""

from collections.abc import Callable, Sequence
from datetime import datetime

from creditbot.domain import change_rules, rules
from creditbot.domain.changes import Change
from creditbot.domain.commands import Ask
from creditbot.domain.policy import Policy, Tier
from creditbot.domain.relations import RelationKind
from creditbot.domain.reminders import look
from creditbot.domain.requests import CreditRequest
from creditbot.domain.who import Actor, Roster
from creditbot.store import requests
from creditbot.store.connection import AsyncConnection
from creditbot.store.database import Transaction


class Creator:
    """Creates requests that the policy allows. What needs SendGrid comes after, in a job."""

    def __init__(self, policy: Policy, channel: str, clock: Callable[[], datetime]) -> None:
        self._policy = policy
        self._channel = channel
        self._clock = clock

    def channel_of(self, subuser: str) -> str:
        """Where the cards of its requests are posted."""
        return self._policy.channel_of(subuser, self._channel)

    async def allowed(
        self, connection: AsyncConnection, changes: Sequence[Change], by: Actor, roster: Roster
    ) -> tuple[Tier, ...]:
        """The tiers of the changes, in the transaction that creates them, so that no cap is passed at once.

        Raises:
            Refusal: the policy does not allow it.
        """
        rules.check_may_ask(by, self._policy, roster)
        usage = await requests.usage(
            connection, self._policy.limits, self._clock(), requested_by=by.id, changes=changes
        )
        return change_rules.check_change_allowed(changes, self._policy, usage)

    async def create(
        self,
        transaction: Transaction,
        command: Ask,
        tiers: Sequence[Tier],
        by: Actor,
        *,
        origin: str,
        follows: tuple[RelationKind, int] | None = None,
        same_as: int | None = None,
    ) -> CreditRequest:
        """A pending request, of which `tiers` are those that `allowed` has returned."""
        now = self._clock()
        return await requests.create(
            transaction,
            origin=origin,
            channel=self.channel_of(command.change.subuser),
            change=command.change,
            reason=command.reason,
            requested_by=by,
            at=now,
            expires_at=now + self._policy.expiry_of(*tiers),
            remind_at=look(self._policy, now, now).next,
            approvals_needed=max(tier.approvals for tier in tiers),
            policy_hash=self._policy.hash,
            tier=", ".join(tier.name for tier in tiers if tier.name),
            follows=follows,
            same_as=same_as,
        )
