"""A request that follows another one."""

from collections.abc import Callable
from datetime import datetime

from creditbot.domain import rules
from creditbot.domain.commands import Ask
from creditbot.domain.errors import Refusal
from creditbot.domain.policy import Policy
from creditbot.domain.relations import RelationKind
from creditbot.domain.requests import CreditRequest
from creditbot.domain.who import Actor, Directory, Roster
from creditbot.store import requests
from creditbot.store.connection import AsyncConnection
from creditbot.store.database import Database, Transaction

from .actions import About, Action
from .creating import Creator
from .delivery import Delivery, came_before
from .refusals import Refusals, raised


class Followers:
    """Creates a request that comes of another, once of each; it needs its own approval."""

    def __init__(
        self,
        database: Database,
        creator: Creator,
        policy: Policy,
        directory: Directory,
        clock: Callable[[], datetime],
        *,
        refusals: Refusals,
    ) -> None:
        self._database = database
        self._creator = creator
        self._policy = policy
        self._directory = directory
        self._clock = clock
        self._refusals = refusals

    async def ask_again(
        self, about: About, *, requested_by: Actor, delivery: Delivery
    ) -> CreditRequest | None:
        """Commit a new request for what a failed one asked.

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
                return await self._again(transaction, failed, action, requested_by, roster)
            except Refusal as refusal:
                await self._refusals.record(transaction, failed, action, refusal, self._clock())
                return refusal

        found = await self._database.for_person(create, delivery.at)
        return None if found is None else raised(found)

    async def _again(
        self,
        transaction: Transaction,
        failed: CreditRequest | None,
        action: Action,
        by: Actor,
        roster: Roster,
    ) -> CreditRequest:
        if failed is None:
            raise action.is_about_nothing()
        await _check_again(transaction.connection, failed, action.actor)
        tiers = await self._creator.allowed(transaction.connection, [failed.change], by, roster)
        asked = await self._creator.create(
            transaction,
            Ask(failed.change, failed.reason),
            tiers,
            by,
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


async def _check_again(connection: AsyncConnection, failed: CreditRequest, actor: str) -> None:
    try:
        rules.check_again(failed)
    except Refusal as refusal:
        follower = await requests.get(connection, failed.follower(RelationKind.AGAIN) or 0)
        if follower is not None and follower.requested_by == actor:
            # Nothing went wrong: it is there already.
            raise Refusal(rules.REPEATED, refusal.sentence) from None
        raise
