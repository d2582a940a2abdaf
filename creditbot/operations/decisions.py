"""Approving, taking that back, denying, cancelling: each checked at the moment it is made."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from creditbot.domain import change_rules, rules
from creditbot.domain.operators import is_operator
from creditbot.domain.policy import Policy
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.secrecy import Secrets
from creditbot.domain.who import Roster
from creditbot.store import outbox, requests
from creditbot.store.connection import AsyncConnection
from creditbot.store.database import Database, Transaction
from creditbot.store.work_on_requests import APPLY

from .actions import About, Action
from .deciding import Decider, Rule
from .delivery import Delivery

Those = Sequence[CreditRequest]


class Decisions:
    """Each method commits the decision before it returns the request as it then stands.

    A decision that a rule refuses is an event too; then Refusal is raised, and nothing else was changed.
    All take the number of a request, as it was typed, or what the card showed that was clicked on. If there
    is no such request they refuse, as they do a decision on terms that have changed since the card was drawn.
    They raise NotTaken or MaybeTaken if the database did not answer.

    What Slack delivers a second time (the same `delivery.id`) changes nothing and records nothing. It
    raises only what a person must see once more, since the ack of a form or a command is its answer.

    A reason with a secret of this process in it raises CommandError, and nothing is written.
    """

    def __init__(
        self,
        database: Database,
        decider: Decider,
        policy: Policy,
        channel: str,
        clock: Callable[[], datetime],
        *,
        secrets: Secrets,
    ) -> None:
        self._database = database
        self._decider = decider
        self._policy = policy
        self._channel = channel
        self._clock = clock
        self._secrets = secrets

    async def approve(self, about: About, actor: str, delivery: Delivery | None = None) -> CreditRequest:
        """Count one approval; with the last one that is needed the request is approved."""

        async def act(transaction: Transaction, those: Those, roster: Roster) -> None:
            now = self._clock()
            quorums = [rules.check_approval(request, actor, self._policy, roster, now) for request in those]
            reached = all(quorum.reached for quorum in quorums)
            if reached:
                await self._check_changes_allowed(transaction.connection, those)
            for request, quorum in zip(those, quorums, strict=True):
                counted: dict[str, object] = {"counted": list(quorum.counted), "policy": self._policy.hash}
                if not request.approved_by(actor):
                    counted |= await requests.add_approval(transaction, request.id, actor, now)
                if reached:
                    await self._approve(transaction, request, actor, kind="approved", detail=counted)
                else:
                    await requests.amend(
                        transaction, request.id, "approval", at=now, actor=actor, detail=counted
                    )

        def rule(request: CreditRequest, roster: Roster) -> None:
            rules.check_approval(request, actor, self._policy, roster, self._clock())

        return await self._decider.decide(Action(about, "approve", actor), rule, act, delivery)

    async def withdraw(self, about: About, actor: str, delivery: Delivery | None = None) -> CreditRequest:
        """Take one's own approval back, as long as the quorum is not there."""

        def rule(request: CreditRequest, roster: Roster) -> None:
            del roster
            rules.check_withdrawal(request, actor)

        async def act(transaction: Transaction, those: Those, roster: Roster) -> None:
            del roster
            for request in those:
                await requests.withdraw_approval(transaction, request.id, actor, self._clock())

        return await self._decider.decide(Action(about, "withdraw", actor), rule, act, delivery)

    async def break_glass(
        self, about: About, actor: str, reason: str, delivery: Delivery | None = None
    ) -> CreditRequest:
        """Approve one's own request in an emergency, if the policy names this person; announced to all."""
        self._secrets.check(reason, "reason")

        async def act(transaction: Transaction, those: Those, roster: Roster) -> None:
            del roster
            await self._check_changes_allowed(transaction.connection, those)
            detail = {"reason": reason, "policy": self._policy.hash}
            for request in those:
                await self._approve(
                    transaction, request, actor, kind="break_glass", detail=detail, break_glass_reason=reason
                )
                channel = self._policy.channel_of(request.subuser, self._channel)
                for place in dict.fromkeys([channel, self._channel]):
                    await outbox.tell(transaction, request.id, "break_glass", place, self._clock())

        action = Action(about, "break_glass", actor)
        return await self._decider.decide(action, self._may_break_glass(actor), act, delivery)

    async def check_may_break_glass(
        self, about: About, actor: str, delivery: Delivery | None = None
    ) -> CreditRequest | None:
        """Raise Refusal (with its event) unless `actor` may approve their own request now.

        Returns None if Slack had delivered this before.
        """
        action = Action(about, "break_glass", actor)
        return await self._decider.check(action, self._may_break_glass(actor), delivery)

    async def wants_break_glass(self, about: About, actor: str, delivery: Delivery | None = None) -> bool:
        """Whether this click is one on one's own request by someone who may approve it in an emergency.

        Raises:
            NotAnswered: the database did not answer in time.
        """
        if actor not in self._policy.break_glass.people:
            return False

        look = Action(about, "break_glass", actor).request
        request = await self._database.read_for_person(look, delivery.at if delivery else None)
        return request is not None and request.requested_by == actor and request.status is Status.PENDING

    async def check_may_decide(
        self, about: About, actor: str, action: str, delivery: Delivery | None = None
    ) -> CreditRequest | None:
        """Raise Refusal (with its event) unless `actor` may decide now; nothing is decided yet.

        Returns None if Slack had delivered this before, so that one form is opened and not two.
        """
        return await self._decider.check(Action(about, action, actor), self._may_decide(actor), delivery)

    async def deny(
        self, about: About, actor: str, reason: str, delivery: Delivery | None = None
    ) -> CreditRequest:
        """Any one denial ends a request."""
        self._secrets.check(reason, "reason")

        async def act(transaction: Transaction, those: Those, roster: Roster) -> None:
            del roster
            for request in those:
                await self._end(transaction, request, Status.DENIED, actor=actor, reason=reason)

        return await self._decider.decide(
            Action(about, "deny", actor), self._may_decide(actor), act, delivery
        )

    async def cancel(
        self, about: About, actor: str, delivery: Delivery | None = None, *, reason: str | None = None
    ) -> CreditRequest:
        """Withdraw a request that has not been sent; whoever runs creditbot gives a reason."""
        self._secrets.check(reason or "", "reason")

        def rule(request: CreditRequest, roster: Roster) -> None:
            if is_operator(actor):
                rules.check_not_sent(request)
            else:
                rules.check_cancel(request, actor, self._policy, roster, self._clock())

        async def act(transaction: Transaction, those: Those, roster: Roster) -> None:
            del roster
            for request in those:
                await self._end(transaction, request, Status.CANCELLED, actor=actor, reason=reason)

        return await self._decider.decide(Action(about, "cancel", actor), rule, act, delivery)

    def _may_decide(self, actor: str) -> Rule:
        def rule(request: CreditRequest, roster: Roster) -> None:
            rules.check_decision(request, actor, self._policy, roster, self._clock())

        return rule

    def _may_break_glass(self, actor: str) -> Rule:
        def rule(request: CreditRequest, roster: Roster) -> None:
            del roster
            rules.check_break_glass(request, actor, self._policy)

        return rule

    async def _check_changes_allowed(self, connection: AsyncConnection, those: Those) -> None:
        """The limits and caps once more, of the policy as it is now, for all of them together."""
        changes = [request.change for request in those]
        usage = await requests.usage(
            connection,
            self._policy.limits,
            self._clock(),
            requested_by=those[0].requested_by,
            changes=changes,
            without=[request.id for request in those],
        )
        change_rules.check_change_allowed(changes, self._policy, usage, whose="Its requester has")

    async def _approve(
        self,
        transaction: Transaction,
        request: CreditRequest,
        actor: str,
        *,
        kind: str,
        detail: Mapping[str, object],
        break_glass_reason: str | None = None,
    ) -> None:
        now = self._clock()
        await requests.transition(
            transaction,
            request,
            Status.APPROVED,
            kind=kind,
            at=now,
            actor=actor,
            detail=detail,
            decided_by=actor,
            decided_at=now,
            policy_hash=self._policy.hash,
            break_glass_reason=break_glass_reason,
        )
        transaction.wake(APPLY, request.id)

    async def _end(
        self,
        transaction: Transaction,
        request: CreditRequest,
        to: Status,
        *,
        actor: str,
        reason: str | None = None,
    ) -> None:
        now = self._clock()
        await requests.transition(
            transaction,
            request,
            to,
            kind=str(to),
            at=now,
            actor=actor,
            detail={"reason": reason} if reason else None,
            decided_by=actor,
            decided_at=now,
            decision_reason=reason,
            finished_at=now,
        )
