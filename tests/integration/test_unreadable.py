"""A row that this version can't read: it is told of where it is, acted on nowhere, and stops no other.

Another version may have written it, or a restore has damaged it. These bots are not held to the ledger, which
does not tell of what is done to the tables here.
"""

import io
import json
from collections.abc import AsyncIterator
from typing import Literal

import pytest
from sqlalchemy import create_engine, text

from creditbot.cli.listing import print_requests
from creditbot.domain.digest import Digest
from creditbot.domain.drift import Comparison
from creditbot.domain.errors import UnreadableRequest
from creditbot.domain.events import Event
from creditbot.domain.paging import History, Pending
from creditbot.domain.policy import Policy
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.who import Actor
from creditbot.operations import activate_policy
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.slack import answers, lists
from creditbot.slack.permalinks import Permalinks
from creditbot.startup.policy import activate
from creditbot.store import events, requests
from creditbot.store.engines import is_postgres
from creditbot.store.lists import Page
from tests.extent import sample

from .adapters import ANN, ASKER, CHANNEL, POLICY, Bot, Clock, patches
from .conftest import on_sqlite

NO_TIME = "requested_at = 1152921504606846976"

DAMAGES = [
    ("status", "status = 'queued'"),
    ("requested_at", NO_TIME),
    ("decided_at", "decided_at = -1152921504606846976"),
]
ON_SQLITE = [
    ("requested_at", "requested_at = 'yesterday'"),
    ("allocation_update", "allocation_update = 'many'"),
    ("subuser", "subuser = X'61636d65'"),
    ("reason", "reason = CAST(X'666fff' AS TEXT)"),
    ("version", "version = 'newest'"),
    ("token", "token = X'00'"),
    ("status", "status = X'00'"),
]


@pytest.fixture
async def bot(url: str, sandbox: SendGridSandbox, clock: Clock) -> AsyncIterator[Bot]:
    bot = Bot(url, sandbox, clock, policy=POLICY)
    yield bot
    await bot.close()


def damage(bot: Bot, request_id: int, assignment: str, table: str = "requests") -> None:
    """Put something into a row that the tables' own constraints may refuse."""
    engine = create_engine(bot.url)
    with engine.begin() as connection:
        if is_postgres(bot.url):
            connection.execute(text("ALTER TABLE requests DROP CONSTRAINT IF EXISTS known_status"))
        else:
            connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        key = "id" if table == "requests" else "request_id"
        statement = f"UPDATE {table} SET {assignment} WHERE {key} = {request_id}"  # noqa: S608 - all is ours
        connection.exec_driver_sql(statement)
    engine.dispose()


def what_is_listed(page: Page) -> dict[int, bool]:
    """Whether each of the requests could be read."""
    return {request.id: isinstance(request, CreditRequest) for _, request in page.entries}


async def printed(bot: Bot, format_: Literal["table", "json", "csv"]) -> str:
    out = io.StringIO()
    await print_requests(bot.url, out, format_)
    return out.getvalue()


async def check_that_all_others_go_on(bot: Bot, bad: int, column: str, sound: CreditRequest) -> None:
    """Everything that looks at many requests, and everything that is asked about this one."""
    found = await bot.queries.pending(Pending(), Actor(ANN, None))
    assert what_is_listed(found.page) == {bad: False, sound.id: True}
    assert what_is_listed(await bot.queries.history(History())) == {bad: False, sound.id: True}
    shown = lists.pending(found, Permalinks().to).text
    assert f"Unreadable: Request {bad} can't be read" in shown
    assert f"`{column}`" in shown
    assert "`creditbot audit verify`" in shown

    documents = {row["id"]: row for row in json.loads(await printed(bot, "json"))}
    assert documents[bad]["status"] == "unreadable"
    assert "creditbot audit verify" in documents[bad]["explanation"]
    assert documents[sound.id]["status"] == "pending"
    for other in ("table", "csv"):
        [line] = [line for line in (await printed(bot, other)).splitlines() if line.startswith(f"{bad}")]
        assert "unreadable" in line

    another = Policy.one_tier([ANN])
    assert await activate_policy(bot.database, another, bot.clock) == "first"
    await activate(bot.database, another, "C0ELSEWHERE", bot.clock)
    await activate(bot.database, POLICY, CHANNEL, bot.clock)

    for doing in (
        bot.decisions.approve(bad, ANN),
        bot.decisions.cancel(bad, "operator:alice", reason="no"),
        bot.settlements.settle(bad, "operator:alice", applied=True, reason="no"),
        bot.queries.show(bad, Actor(ANN, None)),
    ):
        with pytest.raises(UnreadableRequest, match="can't be read"):
            await doing

    jobs = bot.jobs()
    for _ in range(3):
        for wake_up in await bot.due():
            await jobs[wake_up.work.name](wake_up.key)
        bot.clock.advance(seconds=61)
    assert (await bot.ask(1, subuser="acme")).id > sound.id
    await bot.decisions.approve(sound.id, ANN)
    await bot.apply(sound.id)
    assert await bot.status(sound.id) is Status.APPLIED


@pytest.mark.parametrize(("column", "damaged"), DAMAGES)
async def test_one_bad_row_stops_nobody(
    bot: Bot, sandbox: SendGridSandbox, column: str, damaged: str
) -> None:
    bad, sound = await bot.checked(), await bot.checked(5)
    damage(bot, bad.id, damaged)
    await check_that_all_others_go_on(bot, bad.id, column, sound)
    assert len(patches(sandbox)) == 1


@on_sqlite
@pytest.mark.parametrize(("column", "damaged"), sample(ON_SQLITE, 3))
async def test_nor_does_what_only_sqlite_keeps(
    bot: Bot, sandbox: SendGridSandbox, column: str, damaged: str
) -> None:
    bad, sound = await bot.checked(), await bot.checked(5)
    damage(bot, bad.id, damaged)
    await check_that_all_others_go_on(bot, bad.id, column, sound)
    assert len(patches(sandbox)) == 1


async def test_an_approval_that_can_not_be_read_is_none_and_sends_nothing(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    bad, sound = await bot.approved(), await bot.checked(5)
    damage(bot, bad.id, "at = 1152921504606846976", table="approvals")
    await check_that_all_others_go_on(bot, bad.id, "approvals", sound)
    assert [call.username for call in patches(sandbox)] == ["acme"]
    async with bot.database.read() as connection:
        outline = await requests.outline(connection, bad.id)
    assert outline is not None
    assert outline.status is Status.APPROVED


async def test_a_relation_that_this_version_does_not_know_is_not_read_over(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    old = await bot.approved()
    sandbox.scopes -= {"subusers.credits.remaining.update"}
    await bot.apply(old.id)
    new = await bot.ask_again(old.id)
    assert new is not None
    damage(bot, new.id, "kind = 'of a later version'", table="relations")

    for request_id in (old.id, new.id):
        with pytest.raises(UnreadableRequest, match="relations"):
            await bot.request(request_id)


async def test_what_is_to_be_told_of_it_is_that_it_can_not_be_read(bot: Bot) -> None:
    bad = await bot.checked()
    await bot.decisions.deny(bad.id, ANN, "no")
    damage(bot, bad.id, NO_TIME)
    await bot.work("notices")
    assert bot.messenger.notices == [(ASKER, "unreadable", bad.id)]


async def test_its_card_stays_as_it_is_and_is_looked_at_ever_later_and_then_no_more(bot: Bot) -> None:
    bad = await bot.checked()
    await bot.work("cards")
    calls = bot.messenger.calls
    await bot.decisions.approve(bad.id, ANN)
    damage(bot, bad.id, NO_TIME)
    runs = 0
    for _ in range(30):
        for key in await bot.due_cards():
            await bot.draw(key)
            runs += 1
        bot.clock.advance(hours=1)
    assert bot.messenger.calls == calls
    assert 12 < runs < 26
    [card] = await bot.cards_of(bad.id)
    assert card["given_up_at"] is not None


async def test_the_daily_messages_leave_it_out(bot: Bot, sandbox: SendGridSandbox, clock: Clock) -> None:
    await activate_policy(bot.database, bot.policy, clock)
    bad, sound = await bot.approved(), await bot.approved(5, subuser="other")
    await bot.apply(bad.id)
    await bot.apply(sound.id)
    no_time = "finished_at = 1152921504606846976"
    damage(bot, bad.id, no_time if is_postgres(bot.url) else "allocation_update = 'x'")
    clock.advance(hours=21)
    await bot.work("compare", "digest", "daily")
    clock.advance(hours=24)
    sandbox.account.subusers[1].remain += 77
    await bot.work("compare", "digest", "daily")
    told = [bulletin for _, bulletin in bot.messenger.daily]
    assert len([one for one in told if isinstance(one, Digest)]) == 2
    [comparison] = [one for one in told if isinstance(one, Comparison)]
    assert comparison.problem is None
    assert [finding.subuser for finding in comparison.findings] == ["other"]


@on_sqlite
async def test_a_reading_of_a_balance_that_is_damaged_leaves_the_others_to_be_compared(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    await activate_policy(bot.database, bot.policy, clock)
    clock.advance(hours=21)
    await bot.work("compare")
    engine = create_engine(bot.url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE snapshots SET remain = 'x' WHERE subuser = 'acme'")
    engine.dispose()
    clock.advance(hours=24)
    sandbox.account.subusers[1].remain += 77
    await bot.work("compare", "digest", "daily")
    told = [one for _, one in bot.messenger.daily if isinstance(one, Comparison)]
    assert [finding.subuser for one in told for finding in one.findings] == ["other"]


def damage_events(bot: Bot, kind: str) -> None:
    """Leave no JSON in the details of all events of a kind."""
    engine = create_engine(bot.url)
    with engine.begin() as connection:
        table = " ON events" if is_postgres(bot.url) else ""
        name = "events_refuse" if is_postgres(bot.url) else "events_refuse_update"
        connection.exec_driver_sql(f"DROP TRIGGER {name}{table}")
        connection.execute(text("UPDATE events SET detail = '{' WHERE kind = :kind"), {"kind": kind})
    engine.dispose()


async def test_an_event_that_is_no_json_keeps_no_request_from_being_shown(bot: Bot) -> None:
    request = await bot.checked()
    damage_events(bot, "requested")
    record = await bot.queries.show(request.id, Actor(ANN))
    assert record.events[0] == Event("requested", request.requested_at, ASKER)
    assert "requested by" in str(answers.show(record).payload())


async def test_an_event_that_is_no_json_keeps_no_digest_from_coming(bot: Bot, clock: Clock) -> None:
    await activate_policy(bot.database, POLICY, clock)
    async with bot.database.write() as transaction:
        await events.append(transaction.connection, "compared", at=clock(), detail={"compared": 2})
    damage_events(bot, "compared")
    clock.advance(hours=21)
    await bot.work("digest", "daily")
    [told] = [one for _, one in bot.messenger.daily if isinstance(one, Digest)]
    assert told.compared is None


async def test_an_event_that_is_no_json_keeps_no_policy_from_holding(bot: Bot) -> None:
    await bot.checked()
    await activate_policy(bot.database, POLICY, bot.clock)
    damage_events(bot, "policy")
    assert await activate_policy(bot.database, POLICY, bot.clock) == "first"
    assert await activate_policy(bot.database, POLICY, bot.clock) is None
