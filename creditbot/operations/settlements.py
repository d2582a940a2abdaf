"""What became of a change that is in doubt, by a named person's word."""

from collections.abc import Callable, Sequence
from datetime import datetime

from creditbot.domain import rules
from creditbot.domain.operators import is_operator
from creditbot.domain.policy import Policy
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.secrecy import Secrets
from creditbot.domain.who import Roster
from creditbot.store import events, requests
from creditbot.store.database import Transaction
from creditbot.store.work_on_requests import SETTLE

from .actions import About, Action
from .deciding import Decider, Rule
from .delivery import Delivery


class Settlements:
    """Each is a decision: see `Decisions`."""

    def __init__(
        self, decider: Decider, policy: Policy, clock: Callable[[], datetime], *, secrets: Secrets
    ) -> None:
        self._decider = decider
        self._policy = policy
        self._clock = clock
        self._secrets = secrets

    async def check_may_settle(
        self, about: About, actor: str, delivery: Delivery | None = None
    ) -> CreditRequest | None:
        """Raise Refusal (with its event) unless `actor` may settle this doubt; nothing is settled yet.

        Returns None if Slack had delivered this before.
        """
        return await self._decider.check(Action(about, "settle", actor), self._may_settle(actor), delivery)

    async def settle(
        self, about: About, actor: str, *, applied: bool, reason: str, delivery: Delivery | None = None
    ) -> CreditRequest:
        """Take a named person's word for what became of a request in doubt; it is recorded as theirs."""
        self._secrets.check(reason, "reason")
        to = Status.APPLIED if applied else Status.FAILED

        async def act(transaction: Transaction, those: Sequence[CreditRequest], roster: Roster) -> None:
            del roster
            for request in those:
                await requests.transition(
                    transaction,
                    request,
                    to,
                    kind="settled",
                    at=self._clock(),
                    actor=actor,
                    detail={"applied": applied, "reason": reason},
                    explanation=None,
                    settled_by=actor,
                    settled_reason=reason,
                    finished_at=self._clock(),
                )

        action = Action(about, "settle", actor)
        return await self._decider.decide(action, self._may_settle(actor), act, delivery)

    async def check_again(self, about: About, actor: str, delivery: Delivery | None = None) -> CreditRequest:
        """Have the balance of a request in doubt read once more."""

        async def act(transaction: Transaction, those: Sequence[CreditRequest], roster: Roster) -> None:
            del roster
            now = self._clock()
            for request in those:
                await events.append(
                    transaction.connection, "check_again", at=now, request_id=request.id, actor=actor
                )
                await requests.postpone(transaction, request, now, 0)
                transaction.wake(SETTLE, request.id)

        action = Action(about, "check_again", actor)
        return await self._decider.decide(action, self._may_settle(actor), act, delivery)

    def _may_settle(self, actor: str) -> Rule:
        def rule(request: CreditRequest, roster: Roster) -> None:
            if is_operator(actor):
                rules.check_in_doubt(request)
            else:
                rules.check_settlement(request, actor, self._policy, roster, self._clock())
            rules.check_clear(request, self._clock())

        return rule
