"""Balances, lists and records, for those who may see them."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from creditbot.domain import rules
from creditbot.domain.commands import ShowBalance
from creditbot.domain.credits import Balance, SubuserCredits
from creditbot.domain.errors import DomainError
from creditbot.domain.events import Event
from creditbot.domain.paging import History, Pending
from creditbot.domain.policy import Policy, Quorum
from creditbot.domain.requests import CreditRequest
from creditbot.domain.who import Actor, Directory
from creditbot.sendgrid.client import SendGrid
from creditbot.sendgrid.problems import SendGridProblem
from creditbot.store import events, lists
from creditbot.store.connection import AsyncConnection
from creditbot.store.database import Database
from creditbot.store.lists import Page

from .actions import About, Action
from .together import Together

LISTED = 10
"""Requests on a page of a list."""

EXAMINED = 200
"""Requests of which it is worked out whether they wait for whoever looks: the oldest that wait for anyone."""


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

    `without_figures` says why whoever looks is not shown balances; None to someone who may see them.
    """

    request: CreditRequest
    events: Sequence[Event]
    policy: Policy
    quorum: Quorum
    without_figures: str | None = None

    @property
    def figures(self) -> bool:
        return self.without_figures is None


@dataclass(frozen=True, slots=True)
class OpenRequests:
    """A page of the open requests, as one person sees them.

    `complete` is false if there were more requests than it was worked out of whom they wait for; `unread` is
    the groups of which Slack did not say who is in them.
    """

    page: Page
    complete: bool = True
    unread: frozenset[str] = frozenset()


class Queries:
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
        self._balances = Together(self._read_balance)

    async def _check_may_see(self, actor: Actor) -> None:
        rules.check_may_see(actor, self._policy, await self._directory(self._policy.may_see))

    async def balance(self, command: ShowBalance, actor: Actor) -> BalanceReport:
        """The balance of the parent, a subuser or a customer account.

        One reading answers all who ask at once, since people only look at it. What is to be sent is decided
        by jobs, which read for themselves.

        Raises:
            Refusal: `actor` may not see balances.
            SendGridProblem: SendGrid did not say.
            DomainError: there is no such subuser; the sentence has the names that come near.
        """
        await self._check_may_see(actor)
        return await self._balances(command)

    async def _read_balance(self, command: ShowBalance) -> BalanceReport:
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

    async def pending(self, wanted: Pending, actor: Actor) -> OpenRequests:
        """A page of what has not ended yet: first what waits for `actor`, then what they asked for."""
        roster = await self._directory()

        async def look(connection: AsyncConnection) -> OpenRequests:
            undecided: list[CreditRequest] = []
            if roster.has(self._policy.deciders, actor.id):
                undecided = await lists.may_wait_for(connection, actor.id, EXAMINED + 1)
            now = self._clock()
            for_actor = [
                request.id
                for request in undecided[:EXAMINED]
                if rules.waits_for(request, actor.id, self._policy, roster, now)
            ]
            page = await lists.open_requests(connection, LISTED, actor.id, first=for_actor, turn=wanted.turn)
            return OpenRequests(page, len(undecided) <= EXAMINED, roster.unread(self._policy.deciders))

        return await self._database.read_for_person(look)

    async def history(self, wanted: History) -> Page:
        """A page of the latest requests, newest first."""
        return await self._database.read_for_person(
            lambda connection: lists.history(connection, LISTED, wanted.subuser, wanted.turn)
        )

    async def show(self, about: About, actor: Actor) -> Record:
        """A request and its events, as anyone may see who may see the lists; balances only for some.

        Raises:
            Refusal: there is no such request.
        """
        action = Action(about, "show", actor.id)

        async def look(connection: AsyncConnection) -> tuple[CreditRequest | None, list[Event]]:
            return await action.request(connection), await events.of_request(connection, action.request_id)

        request, happened = await self._database.read_for_person(look)
        if request is None:
            raise action.is_about_nothing()
        roster = await self._directory()
        return Record(
            request,
            happened,
            self._policy,
            self._policy.quorum(request, roster, self._clock()),
            rules.why_not_see(actor, self._policy, roster),
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
