"""Balances, lists and records, for those who may see them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain import rules
from creditbot.domain.commands import ShowBalance
from creditbot.domain.credits import Balance, SubuserCredits
from creditbot.domain.errors import DomainError, UnknownRequest
from creditbot.domain.policy import Policy, Quorum
from creditbot.domain.requests import CreditRequest
from creditbot.domain.who import Actor, Directory
from creditbot.sendgrid import SendGrid, SendGridProblem
from creditbot.store import events, requests
from creditbot.store.database import Database

LISTED = 10


@dataclass(frozen=True, slots=True)
class BalanceReport:
    """A balance and, for a subuser, its kind of credits; `problem` says why a part is missing."""

    command: ShowBalance
    balance: Balance
    credits: SubuserCredits | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A request and its events, and what it waits for under the policy, as it counts at this moment.

    `figures` says whether whoever looks may see balances.
    """

    request: CreditRequest
    events: Sequence[Mapping[str, object] | RowMapping]
    policy: Policy
    quorum: Quorum
    figures: bool = True


class Reading:
    """What can be looked up; nothing here changes anything.

    All that look into the database raise NotAnswered if that does not answer in time.
    """

    def __init__(
        self,
        database: Database,
        sendgrid: SendGrid,
        policy: Policy,
        directory: Directory,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._sendgrid = sendgrid
        self._policy = policy
        self._directory = directory
        self._clock = clock

    async def _check_may_see(self, actor: Actor) -> None:
        rules.check_may_see(actor, self._policy, await self._directory(self._policy.may_see))

    async def balance(self, command: ShowBalance, actor: Actor) -> BalanceReport:
        """The balance of the parent, a subuser or a customer account.

        Raises:
            Refusal: `actor` may not see balances.
            SendGridProblem: SendGrid did not say.
            DomainError: there is no such subuser; the sentence has the names that come near.
        """
        await self._check_may_see(actor)
        name = command.on_behalf_of
        if name is None or not command.is_subuser:
            return BalanceReport(command, await self._sendgrid.balance(name))
        balance, credits_ = await asyncio.gather(
            self._sendgrid.balance(name), self._sendgrid.subuser_credits(name), return_exceptions=True
        )
        for found in (credits_, balance):
            if isinstance(found, SendGridProblem) and found.no_such_user:
                raise DomainError(await self._sendgrid.unknown_name(name)) from found
        if isinstance(credits_, SendGridProblem) and isinstance(balance, SendGridProblem):
            raise credits_
        return _report(command, balance, credits_)

    async def pending(self) -> tuple[Sequence[CreditRequest], bool]:
        """What has not ended yet, oldest first, and whether there is more than is listed."""
        found = await self._database.read_for_person(
            lambda connection: requests.pending(connection, LISTED + 1)
        )
        return found[:LISTED], len(found) > LISTED

    async def history(self, subuser: str | None) -> tuple[Sequence[CreditRequest], bool]:
        """The latest requests, newest first, and whether there are older ones."""
        found = await self._database.read_for_person(
            lambda connection: requests.latest(connection, subuser, LISTED + 1)
        )
        return found[:LISTED], len(found) > LISTED

    async def show(self, request_id: int, actor: Actor) -> Record:
        """A request and its events: to who may see balances, and without these to its requester.

        Raises:
            Refusal: `actor` may not see balances, and did not ask for it.
            UnknownRequest: there is none with this ID.
        """

        async def look(connection: AsyncConnection) -> tuple[CreditRequest | None, list[RowMapping]]:
            return await requests.get(connection, request_id), await events.of_request(connection, request_id)

        request, happened = await self._database.read_for_person(look)
        if request is None or request.requested_by != actor.id:
            await self._check_may_see(actor)
        if request is None:
            raise UnknownRequest(request_id)
        roster = await self._directory()
        return Record(
            request,
            happened,
            self._policy,
            self._policy.quorum(request, roster, self._clock()),
            rules.may_see(actor, self._policy, roster),
        )


def _report(
    command: ShowBalance,
    balance: Balance | BaseException,
    credits_: SubuserCredits | BaseException,
) -> BalanceReport:
    """One of the two answers is enough for a report; the other's problem is told beside it."""
    if isinstance(balance, SendGridProblem) and isinstance(credits_, SubuserCredits):
        known = Balance(
            remain=credits_.remain,
            total=credits_.total,
            used=credits_.used,
            reset_frequency=credits_.reset_frequency,
        )
        return BalanceReport(command, known, credits_, balance.sentence)
    if isinstance(credits_, SendGridProblem) and isinstance(balance, Balance):
        return BalanceReport(command, balance, None, credits_.sentence)
    for found in (balance, credits_):
        if isinstance(found, BaseException):
            raise found
    assert isinstance(balance, Balance)  # noqa: S101 - tells the type checker what the loop has shown
    assert isinstance(credits_, SubuserCredits)  # noqa: S101 - likewise
    return BalanceReport(command, balance, credits_)
