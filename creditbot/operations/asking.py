"""Asking for a credit change, and for the same twice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from creditbot.domain import rules
from creditbot.domain.commands import Ask
from creditbot.domain.errors import Refusal
from creditbot.domain.markup import without_markup
from creditbot.domain.policy import Policy, Tier
from creditbot.domain.questions import Question, no_question
from creditbot.domain.requests import CreditRequest
from creditbot.domain.secrecy import Secrets
from creditbot.domain.shown import Shown
from creditbot.domain.who import Actor, Directory, Roster
from creditbot.store import questions, requests
from creditbot.store.database import Database, Transaction

from .actions import Action
from .creating import Creator
from .delivery import Delivery, came_before
from .refusals import Refusals, raised


class Requests:
    """What people ask for in a command or a form becomes a request, or a question whether they mean it."""

    def __init__(
        self,
        database: Database,
        creator: Creator,
        policy: Policy,
        directory: Directory,
        clock: Callable[[], datetime],
        *,
        refusals: Refusals,
        secrets: Secrets,
    ) -> None:
        self._database = database
        self._creator = creator
        self._policy = policy
        self._directory = directory
        self._clock = clock
        self._secrets = secrets
        self._refusals = refusals

    async def ask(self, command: Ask, *, requested_by: Actor, delivery: Delivery) -> CreditRequest | Question:
        """Commit a pending request, or find the one that the same delivery has made before.

        If they have asked for the very same within minutes, that is a question instead, and no request.

        Raises:
            CommandError: a secret of this process is in it, so nothing was written.
            Refusal: the policy does not allow it; that is an event, and nothing else was written.
            NotTaken: the database did not answer in time; nothing was written.
            MaybeTaken: the database went away during the commit.
        """
        self.check_secrets(command)
        origin = delivery.id or f"unnamed:{uuid4()}"
        roster = await self._directory(self._policy.may_ask)

        async def create(transaction: Transaction) -> CreditRequest | Question | Refusal:
            connection, now = transaction.connection, self._clock()
            before = await questions.before(connection, origin, command, requested_by.id, now)
            known = await requests.by_origin(connection, origin) if before.request else None
            if known is not None:
                return known
            asked_back = await questions.by_origin(connection, origin) if before.question else None
            if asked_back is not None:
                return asked_back
            tiers = await self._allowed_or_recorded(transaction, command, requested_by, roster, delivery)
            if isinstance(tiers, Refusal):
                return tiers
            same = None
            if before.same:
                same = await questions.the_same(connection, command, requested_by.id, now)
            if same is not None:
                return await self._ask_back(transaction, command, requested_by, same, origin=origin)
            return await self._creator.create(transaction, command, tiers, requested_by, origin=origin)

        found = await self._database.for_person(create, delivery.at)
        return found if isinstance(found, Question) else raised(found)

    async def ask_anyway(
        self, token: str, *, requested_by: Actor, delivery: Delivery, reason: str | None = None
    ) -> CreditRequest:
        """Commit the request of which its requester was asked whether they mean it; `reason`: another one.

        It is checked anew, and comes of each question once.

        Raises:
            CommandError: a secret of this process is in it, so nothing was written.
            Refusal: it was not they who were asked, or too long ago, or the policy does not allow it; that is
                an event, and nothing else was written.
            NotTaken: the database did not answer in time; nothing was written.
            MaybeTaken: the database went away during the commit.
        """
        self._secrets.check(reason or "", "reason")
        roster = await self._directory(self._policy.may_ask)

        async def create(transaction: Transaction) -> CreditRequest | Refusal:
            connection, now = transaction.connection, self._clock()
            question = await questions.by_token(connection, token, requested_by.id)
            if question is not None:
                known = await requests.by_origin(connection, question.origin)
                if known is not None:
                    return known
            if question is None or question.is_over(now):
                refusal = no_question()
                if not await came_before(transaction, delivery, now):
                    action = Action(Shown(0), "ask_anyway", requested_by.id)
                    await self._refusals.record(transaction, None, action, refusal, now)
                return refusal
            command = replace(question.command, reason=reason or question.command.reason)
            tiers = await self._allowed_or_recorded(transaction, command, requested_by, roster, delivery)
            if isinstance(tiers, Refusal):
                return tiers
            return await self._creator.create(
                transaction, command, tiers, requested_by, origin=question.origin, same_as=question.same.id
            )

        return raised(await self._database.for_person(create, delivery.at))

    def check_secrets(self, command: Ask) -> None:
        """Raise CommandError if a secret of this process is in it."""
        self._secrets.check(command.change.subuser, "subuser")
        self._secrets.check(command.reason, "reason")

    def channel_of(self, request: CreditRequest) -> str:
        """Where its card is posted."""
        return self._creator.channel_of(request.subuser)

    async def check_may_ask(self, actor: Actor) -> None:
        """Raise Refusal unless `actor` may ask at all, before a form is opened for them."""
        rules.check_may_ask(actor, self._policy, await self._directory(self._policy.may_ask))

    async def _allowed_or_recorded(
        self,
        transaction: Transaction,
        command: Ask,
        requested_by: Actor,
        roster: Roster,
        delivery: Delivery,
    ) -> tuple[Tier, ...] | Refusal:
        """The tiers of the change, or why it is not allowed, which is an event."""
        try:
            return await self._creator.allowed(transaction.connection, [command.change], requested_by, roster)
        except Refusal as refusal:
            # A form may be sent again with another amount.
            about = (
                delivery.id and f"{delivery.id} {command.change.allocation_update} {command.change.subuser}"
            )
            if not await came_before(transaction, replace(delivery, id=about), self._clock()):
                await self._record_refused(transaction, command, requested_by, refusal)
            return refusal

    async def _record_refused(
        self, transaction: Transaction, command: Ask, by: Actor, refusal: Refusal
    ) -> None:
        await self._refusals.append(
            transaction,
            "refused_ask",
            at=self._clock(),
            actor=by.id,
            detail={
                "subuser": command.change.subuser,
                "allocation_update": command.change.allocation_update,
                "reason": command.reason,
                "rule": refusal.rule,
                "policy": self._policy.hash,
                "said": without_markup(refusal.sentence),
                **({"team": by.elsewhere} if by.elsewhere else {}),
            },
        )

    async def _ask_back(
        self, transaction: Transaction, command: Ask, by: Actor, same: CreditRequest, *, origin: str
    ) -> Question:
        now = self._clock()
        await self._refusals.append(
            transaction,
            "same_again",
            at=now,
            request_id=same.id,
            actor=by.id,
            detail={
                "subuser": command.change.subuser,
                "allocation_update": command.change.allocation_update,
                "reason": command.reason,
            },
        )
        return await questions.put(transaction, command, origin=origin, person=by.id, same=same, at=now)
