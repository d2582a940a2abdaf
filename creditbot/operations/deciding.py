"""How a decision is checked and recorded, whatever is decided."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from creditbot.domain import rules
from creditbot.domain.errors import Refusal
from creditbot.domain.operators import is_operator
from creditbot.domain.policy import Policy
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.shown import terms
from creditbot.domain.who import Directory, Roster
from creditbot.store import events, requests
from creditbot.store.connection import AsyncConnection
from creditbot.store.database import Database, Transaction

from .actions import Action
from .delivery import Delivery, came_before
from .refusals import Refusals

ON_TERMS = frozenset({"approve", "deny", "break_glass"})
"""What is a decision about the change itself, and so about all that its card says of it."""

Rule = Callable[[CreditRequest, Roster], object]
"""Raises Refusal of what may not be decided."""

Act = Callable[[Transaction, Sequence[CreditRequest], Roster], Awaitable[None]]
"""Writes a decision about all these requests. It may raise Refusal as a rule does, before it has written."""

DecidedTogether = Callable[[AsyncConnection, int], Awaitable[Sequence[CreditRequest]]]
"""The requests that one decision is about, by the ID of one of them, which comes first."""


@dataclass(frozen=True, slots=True)
class Decided:
    """The request as it stands after a decision; `anew` is false if Slack had delivered that before."""

    request: CreditRequest
    anew: bool


class Decider:
    """Reads, judges and writes in one transaction: all that is decided together, or nothing of it.

    A decision that a rule refuses is an event too; then Refusal is raised, and nothing else was changed.
    """

    def __init__(
        self,
        database: Database,
        policy: Policy,
        directory: Directory,
        clock: Callable[[], datetime],
        *,
        refusals: Refusals | None = None,
        together: DecidedTogether = requests.decided_together,
    ) -> None:
        self._database = database
        self._policy = policy
        self._directory = directory
        self._clock = clock
        self._refusals = refusals or Refusals()
        self._together = together

    async def check(self, action: Action, rule: Rule, delivery: Delivery | None) -> CreditRequest | None:
        """Judge and change nothing; None if Slack had delivered this before."""
        found = await self._decide(action, rule, None, delivery)
        return found.request if found.anew else None

    async def decide(self, action: Action, rule: Rule, act: Act, delivery: Delivery | None) -> CreditRequest:
        """Judge each of the requests by the rule, and act on all; return the one that was named."""
        return (await self._decide(action, rule, act, delivery)).request

    async def _decide(
        self, action: Action, rule: Rule, act: Act | None, delivery: Delivery | None
    ) -> Decided:
        # Before the transaction: Slack may have to be asked who is in a user group.
        roster = await self._directory() if not is_operator(action.actor) else Roster()

        async def decide(transaction: Transaction) -> tuple[Decided | None, Refusal | None]:
            those = await self._requests(transaction.connection, action)
            refusal = self._judge(those, action, rule, roster)
            if refusal is not None and refusal.rule == rules.OUTDATED:
                refusal = await self._unless_outdated_itself(transaction.connection, refusal)
            anew = not await came_before(transaction, delivery, self._clock())
            if anew and refusal is None and act is not None:
                try:
                    await act(transaction, those, roster)
                except Refusal as said:
                    refusal = said
            if not anew:
                refusal = _said_again(those, refusal, delivery)
            elif refusal is not None:
                await self._refuse(transaction, those, action, refusal)
            those = await self._requests(transaction.connection, action)
            return Decided(those[0], anew) if those else None, refusal

        decided, refusal = await self._database.for_person(decide, delivery.at if delivery else None)
        if refusal is not None or decided is None:
            raise refusal or action.is_about_nothing()
        return decided

    async def _requests(self, connection: AsyncConnection, action: Action) -> Sequence[CreditRequest]:
        """What is decided; nothing if there is no such request, also where a card shows another one."""
        those = await self._together(connection, action.request_id)
        return those if those and action.is_about(those[0]) else ()

    def _judge(
        self, those: Sequence[CreditRequest], action: Action, rule: Rule, roster: Roster
    ) -> Refusal | None:
        if not those:
            return action.is_about_nothing()
        if all(rules.is_repeat(request, action.name, action.actor) for request in those):
            return rules.repeated(those[0])
        for request in those:
            if rules.has_expired(request, self._clock()):
                return rules.expired(request)
            try:
                rule(request, roster)
            except Refusal as refusal:
                return refusal
        card = action.shown if action.name in ON_TERMS else None
        if card is not None and card.terms != terms(those[0], self._policy, self._clock()):
            return rules.outdated_card(those[0])
        return None

    async def _unless_outdated_itself(self, connection: AsyncConnection, refusal: Refusal) -> Refusal:
        """Cards are drawn by the policy in force. A process that was not restarted knows it not."""
        in_force = await events.latest(connection, "policy")
        another = in_force is not None and in_force.get("hash") != self._policy.hash
        return rules.other_policy() if another else refusal

    async def _refuse(
        self, transaction: Transaction, those: Sequence[CreditRequest], action: Action, refusal: Refusal
    ) -> None:
        """Record a decision that was not allowed; one that came too late also ends what it was about.

        One on an old card has all cards of the request drawn anew: nothing else may have said so yet.
        """
        now = self._clock()
        await self._refusals.record(transaction, those[0] if those else None, action, refusal, now)
        if those and refusal.rule == rules.OUTDATED:
            await requests.touch(transaction, those[0].id)
        for request in those:
            if rules.has_expired(request, now):
                await requests.transition(
                    transaction, request, Status.EXPIRED, kind="expired", at=now, finished_at=now
                )


def _said_again(
    those: Sequence[CreditRequest], refusal: Refusal | None, delivery: Delivery | None
) -> Refusal | None:
    """What a second delivery says: nothing of a click, and of the rest what its ack must say."""
    if not those or delivery is None or not delivery.ack_is_answer:
        return None
    if refusal is None:
        return rules.refused_before(those[0])
    return None if refusal.rule == rules.REPEATED else refusal
