"""Stand-ins for what lies outside (Slack, the clock, the approvers), and one process's worth of the bot."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from sqlalchemy import Connection, RowMapping, create_engine, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain.chain import Keys
from creditbot.domain.changes import Change
from creditbot.domain.commands import Ask
from creditbot.domain.digest import Digest
from creditbot.domain.drift import Comparison
from creditbot.domain.errors import UnreadableRequest
from creditbot.domain.place import Place
from creditbot.domain.policy import Policy
from creditbot.domain.questions import Question
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.secrecy import Secrets
from creditbot.domain.shown import Shown, read, shown
from creditbot.domain.undone import Undone
from creditbot.domain.who import Actor, Roster, Who
from creditbot.elapsed import boottime
from creditbot.jobs import JOBS
from creditbot.jobs import due as due_of_all
from creditbot.jobs.apply import Apply
from creditbot.jobs.apply.conclude import Conclude
from creditbot.jobs.apply.recheck import Recheck
from creditbot.jobs.apply.record import Record
from creditbot.jobs.apply.unfinished import Unfinished
from creditbot.jobs.bounded import bound
from creditbot.jobs.check import Check
from creditbot.jobs.compare import Compare
from creditbot.jobs.deliver import Deliver
from creditbot.jobs.digest import DailyDigest
from creditbot.jobs.expire import Expire
from creditbot.jobs.job import MARGIN, Parts, Run
from creditbot.jobs.rates import Rates
from creditbot.jobs.remind import Remind
from creditbot.jobs.settle import Settle
from creditbot.operations import (
    Clicks,
    Creator,
    Decider,
    Decisions,
    Delivery,
    Followers,
    Queries,
    Refusals,
    Requests,
    Settlements,
)
from creditbot.sandbox.sendgrid import Call, SendGridSandbox
from creditbot.sandbox.slack import SlackSandbox
from creditbot.sendgrid.client import SendGrid
from creditbot.slack.outgoing import Kinds, Tools
from creditbot.slack.outgoing.card import Card, Pointer
from creditbot.slack.outgoing.daily import Daily
from creditbot.slack.outgoing.notices import Notice, Unreadable
from creditbot.slack.permalinks import Permalinks
from creditbot.store import requests
from creditbot.store.attempts import Attempt, last
from creditbot.store.compare import compare
from creditbot.store.database import Database
from creditbot.store.engines import is_postgres
from creditbot.store.outbox import DELIVER
from creditbot.store.paces import Pace
from creditbot.store.postgres import WRITE_LOCK
from creditbot.store.recount import recount
from creditbot.store.sqlite import prepare_sqlite
from creditbot.store.tables import CARD, outbox
from creditbot.store.work import WakeUp

from .ledger_rows import all_events

ASKER, ANN, BEN, CAT, OUTSIDER = "U0ASK", "U0ANN", "U0BEN", "U0CAT", "U0OUT"
CHANNEL = "C0APPROVALS"
POLICY = Policy.one_tier([ANN, BEN, CAT])

_origins, _messages = count(1), count(1)


NO_LIMITS = Rates(Pace(timedelta(0), burst=1), Pace(timedelta(0), burst=1))
"""A Slack that takes everything at once."""


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Listed:
    """The user groups as Slack would tell of them now; may be changed in a test."""

    roster: Roster

    async def __call__(self, who: Who | None = None) -> Roster:
        if who is None:
            return self.roster
        asked = {group: members for group, members in self.roster.members.items() if group in who.groups}
        return Roster(asked, self.roster.unreadable | (self.roster.members.keys() - asked.keys()))


@dataclass
class RecordingMessenger:
    """Keeps what was shown to whom. Each problem in `problems` fails one call, the next one to come."""

    problems: list[Exception] = field(default_factory=list)
    posted: list[tuple[str, str]] = field(default_factory=list)
    shown: dict[tuple[str, str], CreditRequest] = field(default_factory=dict)
    with_copy_above: set[tuple[str, str]] = field(default_factory=set)
    pointers: dict[tuple[str, str], tuple[int, Place]] = field(default_factory=dict)
    notices: list[tuple[str, str, int]] = field(default_factory=list)
    daily: list[tuple[str, Digest | Comparison | Undone]] = field(default_factory=list)
    pointed_to: dict[str, Place | None] = field(default_factory=dict)
    instead_of: list[str | None] = field(default_factory=list)
    calls: int = 0
    # Fails each call about someone or something unknown, as Slack does, or the drawing.
    unknown: Exception | None = None

    async def post(self, to: str, drawing: Any) -> Place:
        match drawing:
            case Card():
                return Place(*await self.post_card(to, drawing.request, copy_above=drawing.copy_above))
            case Notice():
                await self.send_notice(to, drawing.kind, drawing.request, drawing.card)
            case Unreadable():
                await self.send_unreadable(to, drawing.request)
            case Daily():
                await self.post_daily(to, drawing)
            case _:
                raise AssertionError(f"what is {drawing}?")
        return Place(to, f"{next(_messages)}.000100")

    async def change(self, place: Place, drawing: Any) -> None:
        assert place.ts is not None
        match drawing:
            case Card():
                await self.update_card(
                    place.channel, place.ts, drawing.request, copy_above=drawing.copy_above
                )
            case Pointer():
                await self.point_to_card(place.channel, place.ts, drawing.request, drawing.card)
            case _:
                raise AssertionError(f"what is {drawing}?")

    async def post_card(
        self, channel: str, request: CreditRequest, *, copy_above: bool = False
    ) -> tuple[str, str]:
        self._maybe_fail(channel)
        message = (channel, f"{next(_messages)}.000100")
        self.posted.append(message)
        self._show(message, request, copy_above=copy_above)
        return message

    async def update_card(
        self, channel: str, ts: str, request: CreditRequest, *, copy_above: bool = False
    ) -> None:
        self._maybe_fail()
        self._show((channel, ts), request, copy_above=copy_above)

    def _show(self, message: tuple[str, str], request: CreditRequest, *, copy_above: bool) -> None:
        self.shown[message] = request
        self.with_copy_above.discard(message)
        if copy_above:
            self.with_copy_above.add(message)

    async def point_to_card(self, channel: str, ts: str, request: CreditRequest, card: Place) -> None:
        self._maybe_fail()
        self.shown.pop((channel, ts), None)
        self.pointers[channel, ts] = (request.id, card)

    async def send_notice(self, person: str, kind: str, request: CreditRequest, card: Place | None) -> None:
        self._maybe_fail(person, kind)
        self.notices.append((person, kind, request.id))
        self.pointed_to[kind] = card

    async def send_unreadable(self, person: str, request: UnreadableRequest) -> None:
        self._maybe_fail()
        self.notices.append((person, "unreadable", request.id))

    async def post_daily(self, to: str, drawing: Daily) -> None:
        self._maybe_fail()
        self.daily.append((to, drawing.read()))
        self.instead_of.append(drawing.instead_of)

    def _maybe_fail(self, *about: str) -> None:
        self.calls += 1
        if self.unknown is not None and any(word.startswith("unknown-") for word in about):
            raise self.unknown
        if self.problems:
            raise self.problems.pop(0)


@dataclass
class RecordingWaker:
    """What a runner is told inside a transaction, and after its commit."""

    deferred: list[WakeUp] = field(default_factory=list)
    heard: list[WakeUp] = field(default_factory=list)

    async def defer(self, connection: AsyncConnection, wake_ups: list[WakeUp]) -> None:  # noqa: ARG002 - fixed
        self.deferred += wake_ups

    def committed(self, wake_ups: list[WakeUp]) -> None:
        self.heard += wake_ups


def database_url(path: Path) -> str:
    """As SQLAlchemy reads it: `%20` in a URL is a space in the name."""
    return f"sqlite:///{quote(str(path))}"


def environ(url: str, slack: SlackSandbox, sandbox: SendGridSandbox, **more: str) -> dict[str, str]:
    """The settings of a bot whose Slack and SendGrid are reached by their ports, or wherever `more` says."""
    return {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_API_URL": slack.api_url,
        "SENDGRID_API_KEY": sandbox.api_key,
        "SENDGRID_API_URL": sandbox.url,
        "DATABASE_URL": url,
        "CREDITBOT_APPROVALS_CHANNEL": CHANNEL,
        **more,
    }


@contextmanager
def another_writer(url: str) -> Iterator[Connection]:
    """Another process that holds the write lock; what it writes is rolled back in the end."""
    engine = create_engine(url)
    if not is_postgres(url):
        prepare_sqlite(engine, "BEGIN IMMEDIATE")
    with engine.connect() as connection, connection.begin() as begun:
        if is_postgres(url):
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITE_LOCK})
        yield connection
        begun.rollback()
    engine.dispose()


ALL_JOBS = {job.work.name: job for job in JOBS}


def wake_up(name: str, key: int) -> WakeUp:
    return WakeUp(ALL_JOBS[name].work, key)


class Bot:
    """What one process of creditbot holds: its own connections, its operations and its jobs."""

    def __init__(
        self,
        url: str,
        sandbox: SendGridSandbox,
        clock: Clock,
        *,
        policy: Policy = POLICY,
        roster: Roster = Roster(),  # noqa: B008 - it can't be changed
        timeout: float = 10.0,
        api_key: str | None = None,
        secrets: Secrets = Secrets(),  # noqa: B008 - it can't be changed
        keys: Keys = (),
        rates: Rates = NO_LIMITS,
    ) -> None:
        self.clock = clock
        self.url = url
        self.database = Database(url, keys=keys)
        self.sendgrid = SendGrid.connect(api_key or sandbox.api_key, sandbox.url, timeout)
        self.messenger = RecordingMessenger()
        self.policy = policy
        self.directory = Listed(roster)
        refusals, creator, asked = Refusals(), Creator(policy, CHANNEL, clock), self.directory
        self.requests = Requests(
            self.database, creator, policy, asked, clock, refusals=refusals, secrets=secrets
        )
        self.followers = Followers(self.database, creator, policy, asked, clock, refusals=refusals)
        decider = Decider(self.database, policy, self.directory, clock, refusals=refusals)
        self.decisions = Decisions(self.database, decider, policy, CHANNEL, clock, secrets=secrets)
        self.settlements = Settlements(decider, policy, clock, secrets=secrets)
        self.clicks = Clicks(self.database, refusals, clock, secrets=secrets)
        self.queries = Queries(self.database, self.sendgrid, policy, self.directory, clock)
        self.recheck = Recheck(self.database, policy, self.directory, clock)
        self.apply = Apply(self.database, self.sendgrid, policy, self.recheck, clock, channel=CHANNEL)
        self.conclude = Conclude(policy, clock, timedelta(seconds=timeout) + MARGIN, channel=CHANNEL)
        self.record = Record(self.database, self.conclude)
        self.unfinished = Unfinished(self.database, self.conclude, clock)
        self.check = Check(self.database, self.sendgrid, policy, clock)
        self.settle = self.settle_with(self.sendgrid)
        self.expire = Expire(self.database, clock)
        self.remind = Remind(self.database, policy, self.directory, clock)
        self.rates = rates
        self.kinds_of_messages = Kinds(Tools(policy, self.directory, Permalinks(), clock))
        self.deliver = Deliver(self.database, self.messenger, self.kinds_of_messages, rates, clock)
        self.compare = Compare(self.database, self.sendgrid, policy, CHANNEL, clock)
        self.digest = DailyDigest(self.database, policy, CHANNEL, clock)

    def settle_with(self, sendgrid: SendGrid) -> Settle:
        return Settle(
            self.database,
            sendgrid,
            self.clock,
            policy=self.policy,
            directory=self.directory,
            channel=CHANNEL,
        )

    def jobs(self, *names: str, **instead: Run) -> dict[str, Run]:
        """These jobs, or all, as a runner has them: each comes to an end."""
        parts = self._parts()
        runs: dict[str, Run] = {name: self._run(name) for name in names or ALL_JOBS} | instead
        return {name: bound(ALL_JOBS[name], parts, run) for name, run in runs.items()}

    def _run(self, name: str) -> Run:
        """A job of this bot, which a test may have changed; what has no attribute here is built anew."""
        run: Run | None = getattr(self, name, None)
        return run or ALL_JOBS[name].build(self._parts())

    def _parts(self) -> Parts:
        return Parts(
            database=self.database,
            sendgrid=self.sendgrid,
            messenger=self.messenger,
            kinds=self.kinds_of_messages,
            rates=self.rates,
            policy=self.policy,
            directory=self.directory,
            channel=CHANNEL,
            clock=self.clock,
        )

    async def close(self) -> None:
        await self.sendgrid.close()
        await self.database.close()

    async def ask(
        self,
        change: int = 250,
        subuser: str = "acme",
        *,
        by: str = ASKER,
        team: str | None = None,
        origin: str | None = None,
        reason: str = "the spring mailing",
    ) -> CreditRequest:
        """Ask, and say that it is meant if the same was asked for just before."""
        found = await self.try_to_ask(change, subuser, by=by, team=team, origin=origin, reason=reason)
        return await self.ask_anyway(found, team=team) if isinstance(found, Question) else found

    async def try_to_ask(
        self,
        change: int = 250,
        subuser: str = "acme",
        *,
        by: str = ASKER,
        team: str | None = None,
        origin: str | None = None,
        reason: str = "the spring mailing",
    ) -> CreditRequest | Question:
        """Ask, and leave it at that."""
        command = Ask(Change(subuser, change), reason)
        delivery = Delivery(origin or f"trigger-{next(_origins)}", boottime())
        return await self.requests.ask(command, requested_by=Actor(by, team), delivery=delivery)

    async def ask_anyway(
        self,
        question: Question,
        *,
        by: str | None = None,
        team: str | None = None,
        delivery: str | None = None,
        reason: str | None = None,
    ) -> CreditRequest:
        """Press the button of a question, as whoever was asked, or another."""
        came = Delivery(delivery or f"click-{next(_origins)}", boottime())
        actor = Actor(by or question.person, team)
        return await self.requests.ask_anyway(
            question.token, requested_by=actor, delivery=came, reason=reason
        )

    async def ask_again(
        self, about: int | Shown, *, by: str = ASKER, team: str | None = None, delivery: str | None = None
    ) -> CreditRequest | None:
        came = Delivery(delivery or f"click-{next(_origins)}", boottime())
        return await self.followers.ask_again(about, requested_by=Actor(by, team), delivery=came)

    async def checked(self, change: int = 250, subuser: str = "acme") -> CreditRequest:
        """A request whose card may be shown, so that it can be decided."""
        request = await self.ask(change, subuser)
        await self.check(request.id)
        return await self.request(request.id)

    async def approved(self, change: int = 250, subuser: str = "acme") -> CreditRequest:
        request = await self.checked(change, subuser)
        return await self.decisions.approve(request.id, ANN)

    async def applying(self, change: int = 250, subuser: str = "acme") -> CreditRequest:
        """A request that some process has claimed, and nothing more."""
        request = await self.approved(change, subuser)
        async with self.database.write() as transaction:
            await requests.transition(transaction, request, Status.APPLYING, kind="applying", at=self.clock())
        return await self.request(request.id)

    async def request(self, request_id: int) -> CreditRequest:
        async with self.database.read() as connection:
            found = await requests.get(connection, request_id)
        assert found is not None
        return found

    async def card(self, request_id: int) -> Shown:
        """As it goes over the wire: what the buttons carry on the card that this bot draws now."""
        return read(str(shown(await self.request(request_id), self.policy, self.clock())))

    async def seen_in(self, request_id: int, channel: str, ts: str) -> None:
        """Somebody has clicked on this message, which shows the request."""
        await self.clicks.seen_in(await self.card(request_id), channel, ts)

    async def status(self, request_id: int) -> Status:
        return (await self.request(request_id)).status

    async def last_attempt(self, request_id: int) -> Attempt | None:
        async with self.database.read() as connection:
            return await last(connection, request_id)

    async def events(self, request_id: int) -> list[RowMapping]:
        async with self.database.read() as connection:
            return await all_events(connection, request_id)

    async def kinds(self, request_id: int) -> list[str]:
        return [event["kind"] for event in await self.events(request_id)]

    async def notices_of(self, request_id: int) -> set[tuple[str, str]]:
        """Who is to be told what, sent or not."""
        async with self.database.read() as connection:
            query = select(outbox.c.recipient, outbox.c.kind).where(
                outbox.c.request_id == request_id, outbox.c.kind != CARD
            )
            return {(row.recipient, row.kind) for row in await connection.execute(query)}

    async def cards_of(self, request_id: int) -> list[RowMapping]:
        async with self.database.read() as connection:
            mine = outbox.c.request_id == request_id, outbox.c.kind == CARD
            query = select(outbox, outbox.c.recipient.label("channel")).where(*mine).order_by(outbox.c.id)
            return list((await connection.execute(query)).mappings())

    async def due(self) -> list[WakeUp]:
        async with self.database.read() as connection:
            return await due_of_all(connection, self.clock())

    async def work(self, *only: str) -> None:
        """Do what is due, until nothing is; or only these jobs, or cards, notices, or daily messages."""
        for _ in range(50):
            found = await self._due_of(only)
            if not found:
                return
            for wake_up in found:
                await self._run(wake_up.work.name)(wake_up.key)
        raise AssertionError(f"there is always something due: {found}")

    async def _due_of(self, only: Collection[str | None]) -> list[WakeUp]:
        due = await self.due()
        if not only:
            return due
        messages = await self._messages(due)
        return [one for one in due if one.work.name in only or _group(one, messages) in only]

    async def _messages(self, due: Iterable[WakeUp]) -> dict[int, RowMapping]:
        async with self.database.read() as connection:
            query = select(outbox.c.id, outbox.c.kind, outbox.c.request_id)
            query = query.where(outbox.c.id.in_(wake_up.key for wake_up in due))
            return {row["id"]: row for row in (await connection.execute(query)).mappings()}

    async def due_cards(self) -> list[int]:
        """The requests of which a card is to be drawn now."""
        found = await self._due_of(["cards"])
        messages = await self._messages(found)
        return list(dict.fromkeys(messages[wake_up.key]["request_id"] for wake_up in found))

    async def due_notices(self) -> list[int]:
        """What people are to be told now, by the IDs in the outbox."""
        return [wake_up.key for wake_up in await self._due_of(["notices"])]

    async def due_daily(self) -> list[int]:
        """The digest that is to be worked out now, or is to be posted, and what a comparison found."""
        return [wake_up.key for wake_up in await self._due_of(["digest", "daily"])]

    async def draw(self, request_id: int) -> None:
        """Have the cards of a request drawn, if they are behind."""
        for card in await self.cards_of(request_id):
            await self.deliver(card["id"])

    async def assert_sound(self) -> None:
        """The chain of events recounts, and the tables are as it tells of them."""
        async with self.database.read() as connection:
            found, _ = await recount(connection)
            assert found.broken_at is None
            if found.other_key is not None or found.late_key is not None:
                return  # the one that has all keys in their order checks it
            assert [difference async for difference in compare(connection)] == []


async def in_doubt(
    bot: Bot, sandbox: SendGridSandbox, fault: Literal["drop_before", "drop_after"] = "drop_before"
) -> CreditRequest:
    """A request in doubt that a person may settle: SendGrid gave no answer, before it applied it or after."""
    request = await bot.approved()
    sandbox.faults.add(fault)
    await bot.apply(request.id)
    bot.clock.advance(minutes=1)  # until SendGrid must be done with it
    return await bot.request(request.id)


async def answered_too_late(hasty: Bot, sandbox: SendGridSandbox, request_id: int) -> None:
    """Have the change be in doubt, and applied about a second later, when nobody waits for it any more."""
    sandbox.faults.add("slow", method="PATCH", seconds=1.0)
    while await hasty.status(request_id) is not Status.IN_DOUBT:
        await hasty.apply(request_id)  # a busy machine may be late with the balance before, too


def _group(wake_up: WakeUp, messages: Mapping[int, RowMapping]) -> str | None:
    if wake_up.work is not DELIVER:
        return None
    message = messages[wake_up.key]
    if message["kind"] == CARD:
        return "cards"
    return "notices" if message["request_id"] is not None else "daily"


def patches(sandbox: SendGridSandbox) -> list[Call]:
    """Each PATCH that reached SendGrid, whatever came of it."""
    return [call for call in sandbox.calls if call.method == "PATCH"]


def ids(wake_ups: Iterable[WakeUp], job: str) -> list[int]:
    return [wake_up.key for wake_up in wake_ups if wake_up.work.name == job]
