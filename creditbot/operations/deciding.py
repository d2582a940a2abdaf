"""Approving, taking that back, denying, cancelling, settling: each checked at the moment it is made."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain import rules
from creditbot.domain.errors import Refusal
from creditbot.domain.operators import is_operator
from creditbot.domain.policy import DAY, Policy, Usage
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.secrecy import Secrets
from creditbot.domain.shown import Shown, terms
from creditbot.domain.who import Directory, Roster
from creditbot.elapsed import boottime
from creditbot.seldom import Seldom
from creditbot.store import cards, events, notices, requests
from creditbot.store.database import Database, Transaction
from creditbot.store.work_on_requests import APPLY, SETTLE

from .actions import About, Action
from .delivery import Delivery, came_before
from .refusals import Refusals


@dataclass(frozen=True, slots=True)
class Decided:
    """The request as it stands after a decision; `anew` is false if Slack had delivered that before."""

    request: CreditRequest
    anew: bool


ON_TERMS = frozenset({"approve", "deny", "break_glass"})
"""What is a decision about the change itself, and so about all that its card says of it."""

DRAWN_ANEW_EVERY = 30.0
"""Seconds: how often a card may be drawn anew because it was clicked, and not because it is behind.

Slack lets an app change about one message a second, and all cards share that.
"""

Rule = Callable[[CreditRequest, Roster], object]
Act = Callable[[Transaction, CreditRequest, Roster], Awaitable[None]]
"""May raise Refusal as a rule does, before it has written anything."""


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
        policy: Policy,
        directory: Directory,
        channel: str,
        clock: Callable[[], datetime],
        *,
        secrets: Secrets = Secrets(),  # noqa: B008 - it can't be changed
    ) -> None:
        self._database = database
        self._policy = policy
        self._directory = directory
        self._channel = channel
        self._clock = clock
        self._secrets = secrets
        self._refusals = Refusals()
        self._drawn_anew = Seldom(1, DRAWN_ANEW_EVERY, boottime)

    async def approve(self, about: About, actor: str, delivery: Delivery | None = None) -> CreditRequest:
        """Count one approval; with the last one that is needed the request is approved."""

        def rule(request: CreditRequest, roster: Roster) -> None:
            rules.check_approval(request, actor, self._policy, roster, self._clock())

        async def act(transaction: Transaction, request: CreditRequest, roster: Roster) -> None:
            now = self._clock()
            quorum = rules.check_approval(request, actor, self._policy, roster, now)
            if quorum.reached:
                await self._check_change_allowed(transaction.connection, request)
            counted: dict[str, object] = {"counted": list(quorum.counted), "policy": self._policy.hash}
            if not request.approved_by(actor):
                counted |= await requests.add_approval(transaction, request.id, actor, now)
            if not quorum.reached:
                await requests.amend(transaction, request.id, "approval", at=now, actor=actor, detail=counted)
                return
            await self._approve(transaction, request, actor, kind="approved", detail=counted)

        return (await self._decide(Action(about, "approve", actor), rule, act, delivery)).request

    async def withdraw(self, about: About, actor: str, delivery: Delivery | None = None) -> CreditRequest:
        """Take one's own approval back, as long as the quorum is not there."""

        def rule(request: CreditRequest, roster: Roster) -> None:
            del roster
            rules.check_withdrawal(request, actor)

        async def act(transaction: Transaction, request: CreditRequest, roster: Roster) -> None:
            del roster
            await requests.withdraw_approval(transaction, request.id, actor, self._clock())

        return (await self._decide(Action(about, "withdraw", actor), rule, act, delivery)).request

    async def break_glass(
        self, about: About, actor: str, reason: str, delivery: Delivery | None = None
    ) -> CreditRequest:
        """Approve one's own request in an emergency, if the policy names this person; announced to all."""
        self._secrets.check(reason, "reason")

        def rule(request: CreditRequest, roster: Roster) -> None:
            del roster
            rules.check_break_glass(request, actor, self._policy)

        async def act(transaction: Transaction, request: CreditRequest, roster: Roster) -> None:
            del roster
            await self._check_change_allowed(transaction.connection, request)
            detail = {"reason": reason, "policy": self._policy.hash}
            await self._approve(
                transaction, request, actor, kind="break_glass", detail=detail, break_glass_reason=reason
            )
            channel = self._policy.channel_of(request.subuser, self._channel)
            for place in dict.fromkeys([channel, self._channel]):
                await notices.add(transaction, request.id, "break_glass", place, self._clock())

        return (await self._decide(Action(about, "break_glass", actor), rule, act, delivery)).request

    async def check_may_break_glass(
        self, about: About, actor: str, delivery: Delivery | None = None
    ) -> CreditRequest | None:
        """Raise Refusal (with its event) unless `actor` may approve their own request now.

        Returns None if Slack had delivered this before.
        """

        def rule(request: CreditRequest, roster: Roster) -> None:
            del roster
            rules.check_break_glass(request, actor, self._policy)

        return await self._check(Action(about, "break_glass", actor), rule, delivery)

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

        def rule(request: CreditRequest, roster: Roster) -> None:
            rules.check_decision(request, actor, self._policy, roster, self._clock())

        return await self._check(Action(about, action, actor), rule, delivery)

    async def deny(
        self, about: About, actor: str, reason: str, delivery: Delivery | None = None
    ) -> CreditRequest:
        """Any one denial ends a request."""
        self._secrets.check(reason, "reason")

        def rule(request: CreditRequest, roster: Roster) -> None:
            rules.check_decision(request, actor, self._policy, roster, self._clock())

        async def act(transaction: Transaction, request: CreditRequest, roster: Roster) -> None:
            del roster
            await self._end(transaction, request, Status.DENIED, actor=actor, reason=reason)

        return (await self._decide(Action(about, "deny", actor), rule, act, delivery)).request

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

        async def act(transaction: Transaction, request: CreditRequest, roster: Roster) -> None:
            del roster
            await self._end(transaction, request, Status.CANCELLED, actor=actor, reason=reason)

        return (await self._decide(Action(about, "cancel", actor), rule, act, delivery)).request

    async def check_may_settle(
        self, about: About, actor: str, delivery: Delivery | None = None
    ) -> CreditRequest | None:
        """Raise Refusal (with its event) unless `actor` may settle this doubt; nothing is settled yet.

        Returns None if Slack had delivered this before.
        """
        return await self._check(Action(about, "settle", actor), self._may_settle(actor), delivery)

    async def settle(
        self, about: About, actor: str, *, applied: bool, reason: str, delivery: Delivery | None = None
    ) -> CreditRequest:
        """Take a named person's word for what became of a request in doubt; it is recorded as theirs."""
        self._secrets.check(reason, "reason")
        to = Status.APPLIED if applied else Status.FAILED

        async def act(transaction: Transaction, request: CreditRequest, roster: Roster) -> None:
            del roster
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
        return (await self._decide(action, self._may_settle(actor), act, delivery)).request

    async def check_again(self, about: About, actor: str, delivery: Delivery | None = None) -> CreditRequest:
        """Have the balance of a request in doubt read once more."""

        async def act(transaction: Transaction, request: CreditRequest, roster: Roster) -> None:
            del roster
            now = self._clock()
            await events.append(
                transaction.connection, "check_again", at=now, request_id=request.id, actor=actor
            )
            await requests.postpone(transaction, request, now, 0)
            transaction.wake(SETTLE, request.id)

        action = Action(about, "check_again", actor)
        return (await self._decide(action, self._may_settle(actor), act, delivery)).request

    async def refuse_unknown_button(
        self, actor: str, action: str, value: str, delivery: Delivery | None = None
    ) -> bool:
        """Record a click on a button that is no decision about any request; False if it is on record."""

        async def write_down(transaction: Transaction) -> bool:
            if await came_before(transaction, delivery, self._clock()):
                return False
            await self._refusals.append(
                transaction,
                "refused_click",
                at=self._clock(),
                actor=actor,
                detail={
                    "action": self._secrets.taken_out(action)[:40],
                    "rule": "unknown_button",
                    # What follows the number may be a token, which no export must tell.
                    "value": self._secrets.taken_out(value.partition(".")[0])[:40],
                },
            )
            return True

        return await self._database.for_person(write_down, delivery.at if delivery else None)

    async def seen_in(self, card: Shown, channel: str, ts: str) -> None:
        """A message that shows a request was clicked: have it drawn anew, known to us or not.

        It counts only if that request is ours, and only where it has a card: what was never posted elsewhere
        can't be lost there. One that is on record is drawn anew once in a while, however often it is clicked.
        """
        current = await self._database.read_for_person(
            lambda connection: cards.is_current(connection, card.request_id, channel, ts)
        )
        if current is False or (current and self._drawn_anew.left_out(f"{channel} {ts}") is None):
            return

        async def join(transaction: Transaction) -> None:
            request = await requests.get(transaction.connection, card.request_id)
            if request is None or not card.is_of(request):
                return
            if await cards.is_in(transaction.connection, request.id, channel):
                await cards.joined(transaction, request.id, channel, ts)

        await self._database.for_person(join)

    def _may_settle(self, actor: str) -> Rule:
        def rule(request: CreditRequest, roster: Roster) -> None:
            if is_operator(actor):
                rules.check_in_doubt(request)
            else:
                rules.check_settlement(request, actor, self._policy, roster, self._clock())
            rules.check_clear(request, self._clock())

        return rule

    async def _check_change_allowed(self, connection: AsyncConnection, request: CreditRequest) -> None:
        """The limits and caps once more, of the policy as it is now."""
        usage = Usage()
        if self._policy.limits.rolling:
            usage = await requests.usage(
                connection,
                since=self._clock() - DAY,
                requested_by=request.requested_by,
                changes=request.changes,
                without=[request.id],
            )
        rules.check_change_allowed(request.changes, self._policy, usage, whose="Its requester has")

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

    async def _check(self, action: Action, rule: Rule, delivery: Delivery | None) -> CreditRequest | None:
        """Judge and change nothing; None if Slack had delivered this before."""
        found = await self._decide(action, rule, None, delivery)
        return found.request if found.anew else None

    async def _decide(
        self, action: Action, rule: Rule, act: Act | None, delivery: Delivery | None
    ) -> Decided:
        """Read, judge and act in one transaction, so that nothing changes in between."""
        # Before the transaction: Slack may have to be asked who is in a user group.
        roster = await self._directory() if not is_operator(action.actor) else Roster()

        async def decide(transaction: Transaction) -> tuple[Decided | None, Refusal | None]:
            request = await action.request(transaction.connection)
            refusal = self._judge(request, action, rule, roster)
            if refusal is not None and refusal.rule == rules.OUTDATED:
                refusal = await self._unless_outdated_itself(transaction.connection, refusal)
            anew = not await came_before(transaction, delivery, self._clock())
            if anew and refusal is None and act is not None and request is not None:
                try:
                    await act(transaction, request, roster)
                except Refusal as said:
                    refusal = said
            if not anew:
                refusal = _said_again(request, refusal, delivery)
            elif refusal is not None:
                await self._refuse(transaction, request, action, refusal)
            request = await action.request(transaction.connection)
            return None if request is None else Decided(request, anew), refusal

        decided, refusal = await self._database.for_person(decide, delivery.at if delivery else None)
        if refusal is not None or decided is None:
            raise refusal or action.is_about_nothing()
        return decided

    def _judge(
        self, request: CreditRequest | None, action: Action, rule: Rule, roster: Roster
    ) -> Refusal | None:
        if request is None:
            return action.is_about_nothing()
        if rules.is_repeat(request, action.name, action.actor):
            return rules.repeated(request)
        if rules.has_expired(request, self._clock()):
            return Refusal(
                "expired",
                f"Request {request.id} has expired. Nothing was changed. If the change is still needed, ask "
                "for it again.",
            )
        try:
            rule(request, roster)
        except Refusal as refusal:
            return refusal
        card = action.shown if action.name in ON_TERMS else None
        if card is not None and card.terms != terms(request, self._policy, self._clock()):
            return rules.outdated_card(request)
        return None

    async def _unless_outdated_itself(self, connection: AsyncConnection, refusal: Refusal) -> Refusal:
        """Cards are drawn by the policy in force. A process that was not restarted knows it not."""
        in_force = await events.latest(connection, "policy")
        another = in_force is not None and in_force.get("hash") != self._policy.hash
        return rules.other_policy() if another else refusal

    async def _refuse(
        self, transaction: Transaction, request: CreditRequest | None, action: Action, refusal: Refusal
    ) -> None:
        """Record a decision that was not allowed; one that came too late also ends the request.

        One on an old card has all cards of the request drawn anew: nothing else may have said so yet.
        """
        now = self._clock()
        await self._refusals.record(transaction, request, action, refusal, now)
        if request is not None and refusal.rule == rules.OUTDATED:
            await requests.touch(transaction, request.id)
        if request is not None and rules.has_expired(request, now):
            await requests.transition(
                transaction, request, Status.EXPIRED, kind="expired", at=now, finished_at=now
            )


def _said_again(
    request: CreditRequest | None, refusal: Refusal | None, delivery: Delivery | None
) -> Refusal | None:
    """What a second delivery says: nothing of a click, and of the rest what its ack must say."""
    if request is None or delivery is None or not delivery.ack_is_answer:
        return None
    if refusal is None:
        return rules.refused_before(request)
    return None if refusal.rule == rules.REPEATED else refusal
