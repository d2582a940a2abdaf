"""Asking for a credit change, for the same twice, and once more for one that failed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain import rules
from creditbot.domain.commands import Ask
from creditbot.domain.errors import Refusal
from creditbot.domain.markup import without_markup
from creditbot.domain.policy import DAY, Policy, Tier, Usage
from creditbot.domain.questions import Question, no_question
from creditbot.domain.relations import RelationKind
from creditbot.domain.reminders import look
from creditbot.domain.requests import CreditRequest
from creditbot.domain.secrecy import Secrets
from creditbot.domain.shown import Shown
from creditbot.domain.who import Actor, Directory, Roster
from creditbot.store import questions, requests
from creditbot.store.database import Database, Transaction

from .actions import About, Action
from .delivery import Delivery, came_before
from .refusals import Refusals

Tiers = Sequence[Tier]


class Requests:
    """Takes requests down that the policy allows. What needs SendGrid comes after, in a job."""

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
            known = await requests.by_origin(connection, origin)
            if known is not None:
                return known
            asked_back = await questions.by_origin(connection, origin)
            if asked_back is not None:
                return asked_back
            tiers = await self._allowed_or_recorded(transaction, command, requested_by, roster, delivery)
            if isinstance(tiers, Refusal):
                return tiers
            same = await questions.the_same(connection, command, requested_by.id, now)
            if same is not None:
                return await self._ask_back(transaction, command, requested_by, same, origin=origin)
            return await self._create(transaction, command, tiers, requested_by, origin=origin)

        found = await self._database.for_person(create, delivery.at)
        return found if isinstance(found, Question) else _raised(found)

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
            return await self._create(
                transaction, command, tiers, requested_by, origin=question.origin, same_as=question.same.id
            )

        return _raised(await self._database.for_person(create, delivery.at))

    def check_secrets(self, command: Ask) -> None:
        """Raise CommandError if a secret of this process is in it."""
        self._secrets.check(command.change.subuser, "subuser")
        self._secrets.check(command.reason, "reason")

    def channel_of(self, request: CreditRequest) -> str:
        """Where its card is posted."""
        return self._policy.channel_of(request.subuser, self._channel)

    async def check_may_ask(self, actor: Actor) -> None:
        """Raise Refusal unless `actor` may ask at all, before a form is opened for them."""
        rules.check_may_ask(actor, self._policy, await self._directory(self._policy.may_ask))

    async def ask_again(
        self, about: About, *, requested_by: Actor, delivery: Delivery
    ) -> CreditRequest | None:
        """Commit a new request for what a failed one asked; it needs its own approval.

        Returns None if Slack had delivered this before.

        Raises:
            Refusal: it has not failed, or has been asked for again already, or the policy does not allow
                it, or there is no such request; that is an event, too.
            NotTaken: the database did not answer in time; nothing was written.
            MaybeTaken: the database went away during the commit.
        """
        action = Action(about, "request_again", requested_by.id)
        roster = await self._directory(self._policy.may_ask)

        async def create(transaction: Transaction) -> CreditRequest | Refusal | None:
            if await came_before(transaction, delivery, self._clock()):
                return None
            failed = await action.request(transaction.connection)
            try:
                return await self._follow(transaction, failed, action, requested_by, roster)
            except Refusal as refusal:
                await self._refusals.record(transaction, failed, action, refusal, self._clock())
                return refusal

        found = await self._database.for_person(create, delivery.at)
        return None if found is None else _raised(found)

    async def _follow(
        self,
        transaction: Transaction,
        failed: CreditRequest | None,
        action: Action,
        requested_by: Actor,
        roster: Roster,
    ) -> CreditRequest:
        if failed is None:
            raise action.is_about_nothing()
        await _check_again(transaction.connection, failed, action.actor)
        command = Ask(failed.change, failed.reason)
        tiers = await self._allowed(transaction.connection, command, requested_by, roster)
        asked = await self._create(
            transaction,
            command,
            tiers,
            requested_by,
            origin=requests.origin_of(RelationKind.AGAIN, failed.id),
            follows=(RelationKind.AGAIN, failed.id),
        )
        await requests.amend(
            transaction,
            failed.id,
            "asked_again",
            at=self._clock(),
            actor=action.actor,
            detail={"asked_again_as": asked.id},
        )
        return asked

    async def _allowed_or_recorded(
        self,
        transaction: Transaction,
        command: Ask,
        requested_by: Actor,
        roster: Roster,
        delivery: Delivery,
    ) -> Tiers | Refusal:
        """The tiers of the change, or why it is not allowed, which is an event."""
        try:
            return await self._allowed(transaction.connection, command, requested_by, roster)
        except Refusal as refusal:
            # A form may be sent again with another amount.
            about = (
                delivery.id and f"{delivery.id} {command.change.allocation_update} {command.change.subuser}"
            )
            if not await came_before(transaction, replace(delivery, id=about), self._clock()):
                await self._record_refused(transaction, command, requested_by, refusal)
            return refusal

    async def _allowed(
        self, connection: AsyncConnection, command: Ask, requested_by: Actor, roster: Roster
    ) -> Tiers:
        """The tiers of the change, in the transaction that creates it, so that no cap is passed at once."""
        rules.check_may_ask(requested_by, self._policy, roster)
        usage = Usage()
        if self._policy.limits.rolling:
            usage = await requests.usage(
                connection,
                since=self._clock() - DAY,
                requested_by=requested_by.id,
                changes=[command.change],
            )
        return rules.check_change_allowed([command.change], self._policy, usage)

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

    async def _create(
        self,
        transaction: Transaction,
        command: Ask,
        tiers: Tiers,
        by: Actor,
        *,
        origin: str,
        follows: tuple[RelationKind, int] | None = None,
        same_as: int | None = None,
    ) -> CreditRequest:
        now = self._clock()
        request_id = await requests.create(
            transaction,
            origin=origin,
            channel=self._policy.channel_of(command.change.subuser, self._channel),
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
        request = await requests.get(transaction.connection, request_id)
        if request is None:
            raise LookupError(f"request {request_id} was written and is not there")
        return request


def _raised(found: CreditRequest | Refusal) -> CreditRequest:
    """A refusal is returned from a transaction, which keeps its event, and raised after the commit."""
    if isinstance(found, Refusal):
        raise found
    return found


async def _check_again(connection: AsyncConnection, failed: CreditRequest, actor: str) -> None:
    try:
        rules.check_again(failed)
    except Refusal as refusal:
        follower = await requests.get(connection, failed.follower(RelationKind.AGAIN) or 0)
        if follower is not None and follower.requested_by == actor:
            # Nothing went wrong: it is there already.
            raise Refusal(rules.REPEATED, refusal.sentence) from None
        raise
