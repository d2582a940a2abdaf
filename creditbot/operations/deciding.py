"""Approving, denying, cancelling and settling: decisions, each checked at the moment it is made."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from creditbot.domain import policy as rules
from creditbot.domain.errors import Refusal, UnknownRequest
from creditbot.domain.policy import Policy
from creditbot.domain.requests import OPERATOR, CreditRequest, Status
from creditbot.store import cards, events, requests
from creditbot.store.database import Database, Transaction

from .deeds import Arrival, Deed, came_before, record_refusal


class ApproverList(Protocol):
    """Everyone who is an approver now, by name or through a user group."""

    unreadable: frozenset[str]
    """User groups whose members could not be read the last time, so that they may not decide now."""

    async def __call__(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Decided:
    """The request as it stands after a decision; `anew` is false if Slack had delivered that before."""

    request: CreditRequest
    anew: bool


Rule = Callable[[CreditRequest, frozenset[str]], None]
Act = Callable[[Transaction, CreditRequest], Awaitable[None]]


class Decisions:
    """Each method commits the decision before it returns the request as it then stands.

    A decision that a rule refuses is an event too; then Refusal is raised, and nothing else was changed.
    All raise UnknownRequest if there is no such request, and NotTaken or MaybeTaken if the database
    did not answer.

    What Slack delivers a second time (the same `arrival.id`) changes nothing and records nothing. It
    raises only what a person must see once more, since the ack of a form or a command is its answer.
    """

    def __init__(
        self, database: Database, policy: Policy, approvers: ApproverList, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._policy = policy
        self._approvers = approvers
        self._clock = clock

    async def approve(self, request_id: int, actor: str, arrival: Arrival | None = None) -> CreditRequest:
        """Count one approval; with the last one that is needed the request is approved."""

        def rule(request: CreditRequest, approvers: frozenset[str]) -> None:
            rules.check_decision(request, actor, approvers, self._policy)
            rules.check_approval(request, actor)

        async def act(transaction: Transaction, request: CreditRequest) -> None:
            now = self._clock()
            await requests.add_approval(transaction, request_id, actor, now)
            if request.approvals_missing > 1:
                await events.append(
                    transaction.connection, "approval", at=now, request_id=request_id, actor=actor
                )
                await requests.touch(transaction, request_id)
                return
            await requests.transition(
                transaction,
                request,
                Status.APPROVED,
                kind="approved",
                at=now,
                actor=actor,
                decided_by=actor,
                decided_at=now,
            )
            transaction.wake("apply", request_id)

        return (await self._decide(Deed(request_id, "approve", actor), rule, act, arrival)).request

    async def check_may_decide(
        self, request_id: int, actor: str, action: str, arrival: Arrival | None = None
    ) -> CreditRequest | None:
        """Raise Refusal (with its event) unless `actor` may decide now; nothing is decided yet.

        Returns None if Slack had delivered this before, so that one form is opened and not two.
        """

        def rule(request: CreditRequest, approvers: frozenset[str]) -> None:
            rules.check_decision(request, actor, approvers, self._policy)

        return await self._check(Deed(request_id, action, actor), rule, arrival)

    async def deny(
        self, request_id: int, actor: str, reason: str, arrival: Arrival | None = None
    ) -> CreditRequest:
        """Any one denial ends a request."""

        def rule(request: CreditRequest, approvers: frozenset[str]) -> None:
            rules.check_decision(request, actor, approvers, self._policy)

        async def act(transaction: Transaction, request: CreditRequest) -> None:
            await self._end(transaction, request, Status.DENIED, actor=actor, reason=reason)

        return (await self._decide(Deed(request_id, "deny", actor), rule, act, arrival)).request

    async def cancel(self, request_id: int, actor: str, arrival: Arrival | None = None) -> CreditRequest:
        """Withdraw a request that has not been sent."""

        def rule(request: CreditRequest, approvers: frozenset[str]) -> None:
            rules.check_cancel(request, actor, approvers)

        async def act(transaction: Transaction, request: CreditRequest) -> None:
            await self._end(transaction, request, Status.CANCELLED, actor=actor)

        return (await self._decide(Deed(request_id, "cancel", actor), rule, act, arrival)).request

    async def check_may_settle(
        self, request_id: int, actor: str, arrival: Arrival | None = None
    ) -> CreditRequest | None:
        """Raise Refusal (with its event) unless `actor` may settle this doubt; nothing is settled yet.

        Returns None if Slack had delivered this before.
        """
        return await self._check(Deed(request_id, "settle", actor), self._may_settle(actor), arrival)

    async def settle(
        self, request_id: int, actor: str, *, applied: bool, reason: str, arrival: Arrival | None = None
    ) -> CreditRequest:
        """Take a named person's word for what became of a request in doubt; it is recorded as theirs."""
        to = Status.APPLIED if applied else Status.FAILED

        async def act(transaction: Transaction, request: CreditRequest) -> None:
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

        deed = Deed(request_id, "settle", actor)
        return (await self._decide(deed, self._may_settle(actor), act, arrival)).request

    async def check_again(self, request_id: int, actor: str, arrival: Arrival | None = None) -> CreditRequest:
        """Have the balance of a request in doubt read once more."""

        async def act(transaction: Transaction, request: CreditRequest) -> None:
            now = self._clock()
            await events.append(
                transaction.connection, "check_again", at=now, request_id=request.id, actor=actor
            )
            await requests.postpone(transaction, request, now, 0)
            transaction.wake("settle", request.id)

        deed = Deed(request_id, "check_again", actor)
        return (await self._decide(deed, self._may_settle(actor), act, arrival)).request

    async def refuse_strange(
        self, actor: str, action: str, value: str, arrival: Arrival | None = None
    ) -> bool:
        """Record a click on a button that is no decision about any request; False if it is on record."""

        async def write_down(transaction: Transaction) -> bool:
            if await came_before(transaction, arrival, self._clock()):
                return False
            await events.append(
                transaction.connection,
                "refused_click",
                at=self._clock(),
                actor=actor,
                detail={"action": action[:40], "rule": "unknown_button", "value": value[:40]},
            )
            return True

        return await self._database.for_person(write_down, arrival.at if arrival else None)

    async def seen_in(self, request_id: int, channel: str, ts: str) -> None:
        """A message that shows this request was clicked: have it drawn anew, known to us or not."""
        async with self._database.write() as transaction:
            if await requests.get(transaction.connection, request_id) is not None:
                await cards.joined(transaction, request_id, channel, ts)

    def _may_settle(self, actor: str) -> Rule:
        def rule(request: CreditRequest, approvers: frozenset[str]) -> None:
            if actor == OPERATOR:
                rules.check_in_doubt(request)
            else:
                rules.check_settlement(request, actor, approvers, self._policy)
            rules.check_clear(request, self._clock())

        return rule

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

    async def _check(self, deed: Deed, rule: Rule, arrival: Arrival | None) -> CreditRequest | None:
        """Judge and change nothing; None if Slack had delivered this before."""
        found = await self._decide(deed, rule, None, arrival)
        return found.request if found.anew else None

    async def _decide(self, deed: Deed, rule: Rule, act: Act | None, arrival: Arrival | None) -> Decided:
        """Read, judge and act in one transaction, so that nothing changes in between."""
        # Before the transaction: Slack may have to be asked who is in a user group.
        approvers = await self._approvers() if deed.actor != OPERATOR else frozenset[str]()

        async def decide(transaction: Transaction) -> tuple[Decided | None, Refusal | None]:
            request = await requests.get(transaction.connection, deed.request_id)
            refusal = self._judge(request, deed, rule, approvers)
            anew = not await came_before(transaction, arrival, self._clock())
            if not anew:
                refusal = _said_again(request, refusal, arrival)
            elif refusal is not None:
                await self._refuse(transaction, request, deed, refusal)
            elif act is not None and request is not None:
                await act(transaction, request)
            request = await requests.get(transaction.connection, deed.request_id)
            return None if request is None else Decided(request, anew), refusal

        decided, refusal = await self._database.for_person(decide, arrival.at if arrival else None)
        if refusal is not None or decided is None:
            raise refusal or UnknownRequest(deed.request_id)
        return decided

    def _judge(
        self, request: CreditRequest | None, deed: Deed, rule: Rule, approvers: frozenset[str]
    ) -> Refusal | None:
        if request is None:
            return UnknownRequest(deed.request_id)
        if rules.is_repeat(request, deed.action, deed.actor):
            return rules.repeated(request)
        if rules.has_expired(request, self._clock()):
            return Refusal(
                "expired",
                f"Request {request.id} has expired, so nothing was changed. "
                "Whoever still needs the credits must ask again.",
            )
        try:
            rule(request, approvers)
        except Refusal as refusal:
            if refusal.rule == "not_an_approver" and self._approvers.unreadable:
                return rules.group_unreadable(self._approvers.unreadable)
            return refusal
        return None

    async def _refuse(
        self, transaction: Transaction, request: CreditRequest | None, deed: Deed, refusal: Refusal
    ) -> None:
        """Record a decision that was not allowed; one that came too late also ends the request."""
        now = self._clock()
        await record_refusal(transaction, request, deed, refusal, now)
        if request is not None and rules.has_expired(request, now):
            await requests.transition(
                transaction, request, Status.EXPIRED, kind="expired", at=now, finished_at=now
            )


def _said_again(
    request: CreditRequest | None, refusal: Refusal | None, arrival: Arrival | None
) -> Refusal | None:
    """What the second delivery of a deed says: nothing of a click, and of the rest what its ack must say."""
    if request is None or arrival is None or not arrival.ack_is_answer:
        return None
    if refusal is None:
        return rules.refused_before(request)
    return None if refusal.rule == rules.REPEATED else refusal
