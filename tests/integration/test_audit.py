"""The ledger against its chain and the tables: what is whole is found whole, and what is not is found."""

import asyncio
import csv
import io
import json
import re
import tracemalloc
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.cli.audit import head_of
from creditbot.cli.dates import days_of
from creditbot.domain.chain import Keys, fingerprint
from creditbot.domain.errors import DomainError, KeyMissing, OldKeyFirst
from creditbot.domain.policy import Policy, Reminders
from creditbot.domain.requests import Status
from creditbot.domain.who import Who
from creditbot.ledger.export import export
from creditbot.ledger.verify import MOST, verify
from creditbot.migrate import migrate
from creditbot.operations import activate_policy
from creditbot.probes import Probes
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.store import events
from creditbot.store.compare import compare
from creditbot.store.database import Database
from creditbot.store.engines import is_postgres
from creditbot.store.history import history
from creditbot.store.ledger_columns import IN_LEDGER, LEFT_OUT
from creditbot.store.recount import PAGE, DigestHead, missed_head, recount
from creditbot.store.tables import events as event_rows
from creditbot.store.tables import outbox
from creditbot.store.tables import requests as request_rows
from tests.extent import short_or_long

from .adapters import ANN, ASKER, BEN, CAT, OUTSIDER, Bot, Clock
from .conftest import StartBot, on_sqlite
from .ledger_rows import all_events
from .tampering import Tamperer, as_administrator, forge_an_approval, go_back_to, undone

TAMPERINGS = short_or_long(100, 1000)

KEY, NEWER = b"a key that only the bot has, long", b"and the one with which it follows"

POLICY = replace(
    Policy.one_tier([ANN, BEN, CAT], 2),
    break_glass=Who.of([ASKER]),
    reminders=Reminders(after=(timedelta(hours=1),)),
)


@pytest.fixture
async def busy(start: StartBot, sandbox: SendGridSandbox, clock: Clock) -> Bot:
    """A ledger in which nearly everything has happened that can."""
    bot = start(POLICY)
    await activate_policy(bot.database, POLICY, clock)
    for fault in (None, "rate_limit", "drop_before", "drop_after"):
        request = await bot.checked()
        await bot.decisions.approve(request.id, ANN)
        await bot.decisions.approve(request.id, BEN)
        if fault is not None:
            sandbox.faults.add(fault)
        await bot.apply(request.id)
        clock.advance(minutes=1)
        await bot.work("apply", "settle")
        if await bot.status(request.id) is Status.IN_DOUBT:
            await bot.settlements.check_again(request.id, CAT)
            await bot.work("settle")
            await bot.settlements.settle(request.id, CAT, applied=False, reason="the console says so")
            await bot.ask_again(request.id)
    denied, withdrawn, alone = await bot.checked(-5), await bot.checked(7), await bot.checked(9)
    await bot.decisions.deny(denied.id, ANN, "not now")
    await bot.decisions.approve(withdrawn.id, ANN)
    await bot.decisions.withdraw(withdrawn.id, ANN)
    await bot.decisions.break_glass(alone.id, ASKER, "nobody answers")
    with pytest.raises(DomainError):
        await bot.decisions.approve(withdrawn.id, OUTSIDER)
    cancelled = await bot.checked(11)
    await bot.decisions.cancel(cancelled.id, ASKER)
    refused = await bot.ask(-999_999)
    await bot.work("check", "apply", "remind")
    assert await bot.status(refused.id) is Status.REFUSED
    clock.advance(hours=1, minutes=1)
    await bot.work("remind")
    await activate_policy(bot.database, replace(POLICY, expiry=timedelta(hours=2)), clock)
    clock.advance(hours=2)
    await bot.work("expire")
    return bot


async def head_by_now(bot: Bot) -> str:
    async with bot.database.read() as connection:
        found, _ = await recount(connection)
    return found.head


async def faults(connection: AsyncConnection, head: str | None) -> list[str]:
    found, noted = await recount(connection, head)
    if found.broken_at is not None or (head is not None and noted is None):
        return ["the chain"]
    return [difference async for difference in compare(connection)]


def test_each_column_is_told_of_or_left_out_for_a_reason() -> None:
    for table in LEFT_OUT:
        columns = {column.name for column in table.columns}
        assert LEFT_OUT[table] < columns
        assert IN_LEDGER[table] == columns - LEFT_OUT[table]


async def test_what_happened_is_found_whole(busy: Bot) -> None:
    async with busy.database.read() as connection:
        kinds = {event["kind"] for event in await all_events(connection)}
    wanted = {"policy", "approval", "approval_withdrawn", "break_glass", "attempt", "answer", "in_doubt"}
    wanted |= {"proven", "not_proven", "settled", "asked_again", "refused_click", "shortened", "reminded"}
    assert wanted <= kinds
    head = await head_by_now(busy)
    found, whole = await verify(busy.url, head)
    assert found == []
    assert "The ledger is intact" in whole
    assert head in whole


async def test_each_of_many_tamperings_is_found(busy: Bot) -> None:
    head = await head_by_now(busy)
    random = Random(20260302)
    async with as_administrator(busy.url) as connection:
        assert await faults(connection, head) == []
        for _ in range(TAMPERINGS):
            async with undone(connection):
                tamperer = Tamperer(connection, random)
                await tamperer.tamper()
                assert await faults(connection, head), tamperer.done
        assert await faults(connection, head) == []


async def test_an_approval_that_is_forged_with_all_that_belongs_to_it_is_found_only_with_a_key(
    start: StartBot,
) -> None:
    plain = start()
    request = await plain.checked()
    head = await head_by_now(plain)
    async with as_administrator(plain.url) as connection:
        await forge_an_approval(connection, request.id, BEN)
        assert await faults(connection, head) == [], "nothing tells it from what the bot writes"
    assert "The hashes have no key" in (await verify(plain.url, head))[1]

    await start(keys=(KEY,)).checked(subuser="other")
    async with as_administrator(plain.url, (KEY,)) as connection:
        assert await faults(connection, head) == []
        await forge_an_approval(connection, request.id, BEN)
        assert await faults(connection, None) == ["the chain"]


async def test_with_a_key_a_chain_that_is_hashed_anew_is_found_without_a_head(
    start: StartBot, clock: Clock
) -> None:
    bot = start(keys=(KEY,))
    await activate_policy(bot.database, POLICY, clock)
    for _ in range(3):
        request = await bot.approved()
        await bot.apply(request.id)
    random = Random(20260303)
    async with as_administrator(bot.url, (KEY,)) as connection:
        for _ in range(TAMPERINGS // 10):
            async with undone(connection):
                tamperer = Tamperer(connection, random)
                await tamperer.edit_event_and_rehash_all()
                assert await faults(connection, None), tamperer.done
        assert await faults(connection, None) == []


async def test_a_key_is_taken_in_the_middle_and_followed_by_newer_ones(start: StartBot, clock: Clock) -> None:
    await start().checked()
    second = start(keys=(KEY,))
    await activate_policy(second.database, POLICY, clock)
    await second.checked()
    third = start(keys=(NEWER, KEY))
    await third.checked()

    found, whole = await verify(third.url, None, (NEWER, KEY))

    assert found == []
    assert "The hashes have a key from event 3 on." in whole
    assert "no key" not in whole
    async with third.database.read() as connection:
        assert [event["kind"] for event in await all_events(connection)].count("keyed") == 2


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ((), "CREDITBOT_LEDGER_KEY is not set: set it"),
        ((NEWER,), f"CREDITBOT_LEDGER_KEY has {fingerprint(NEWER)}: set it"),
    ],
)
async def test_a_key_that_is_missing_or_another_is_said_to_be_that(
    start: StartBot, keys: Keys, says: str
) -> None:
    await start().checked()
    bot = start(keys=(KEY,))
    await bot.checked()

    found, _ = await verify(bot.url, None, keys)

    assert found[0].startswith(f"Event 3 and those after it are keyed with the key {fingerprint(KEY)}, and ")
    assert says in found[0]
    assert "Before them, 2 events passed" in found[1]
    assert not any("broken" in sentence or KEY.decode() in sentence for sentence in found)


async def test_a_key_with_which_nothing_is_keyed_is_said_to_be_that(bot: Bot) -> None:
    await bot.checked()
    found, _ = await verify(bot.url, None, (KEY,))
    assert found[0] == "CREDITBOT_LEDGER_KEY is set, but no event has a hash with that key."


@pytest.mark.parametrize("keys", [(), (NEWER,)])
async def test_who_does_not_have_the_key_cannot_write(start: StartBot, keys: Keys) -> None:
    bot = start(keys=(KEY,))
    request = await bot.checked()
    other = start(keys=keys)

    with pytest.raises(KeyMissing, match=fingerprint(KEY)):
        await other.decisions.approve(request.id, ANN)

    assert await bot.status(request.id) is Status.PENDING
    assert (await verify(bot.url, None, (KEY,)))[0] == []
    status, says = await Probes(other.database, []).ready()
    assert (status, "CREDITBOT_LEDGER_KEY" in says) == (503, True)
    assert (await Probes(bot.database, []).ready())[0] == 200


async def test_who_has_an_old_key_first_can_neither_start_nor_write(start: StartBot, clock: Clock) -> None:
    await start(keys=(KEY,)).checked()
    swapped = start(keys=(KEY, NEWER))
    await activate_policy(swapped.database, POLICY, clock)  # nothing tells yet that the other one is newer
    bot = start(keys=(NEWER, KEY))
    request = await bot.checked()

    with pytest.raises(OldKeyFirst, match="put the newest key first"):
        await activate_policy(swapped.database, POLICY, clock)
    with pytest.raises(OldKeyFirst):
        await swapped.decisions.approve(request.id, ANN)
    async with swapped.database.read() as connection:
        with pytest.raises(OldKeyFirst):
            await events.check_key(connection)

    await bot.decisions.approve(request.id, ANN)
    assert (await verify(bot.url, None, (NEWER, KEY)))[0] == []


async def test_keys_in_the_wrong_order_are_said_to_be_that_and_going_back_to_an_old_one_is_not(
    start: StartBot,
) -> None:
    await start(keys=(KEY,)).checked()
    bot = start(keys=(NEWER, KEY))
    await bot.checked(subuser="other")

    found, _ = await verify(bot.url, None, (KEY, NEWER))
    assert found[0].startswith(f"Event 4 goes on with the key {fingerprint(NEWER)}, which is number 2 in ")
    assert "Put the newest key first, as in NEW,OLD" in found[0]
    assert "Before it, 3 events passed" in found[1]
    assert not any("broken" in sentence for sentence in found)

    for keys, broken_at in (((NEWER, KEY), 7), ((KEY, NEWER), None)):
        async with as_administrator(bot.url, keys) as connection:
            await go_back_to(connection, KEY)
            again, _ = await recount(connection)
        assert again.broken_at == broken_at


async def test_events_cut_off_at_the_end_are_found_by_a_digest_and_otherwise_by_a_head_only(
    bot: Bot, clock: Clock
) -> None:
    await activate_policy(bot.database, bot.policy, clock)
    request = await bot.checked()
    with pytest.raises(DomainError):
        await bot.decisions.approve(request.id, OUTSIDER)
    head = await head_by_now(bot)
    _, whole = await verify(bot.url)
    assert "The database alone can't show whether events were cut off at the end" in whole
    assert "can't be told" not in (await verify(bot.url, head))[1]
    clock.advance(hours=21)
    await bot.work("digest", "daily")
    async with bot.database.read() as connection:
        [digest] = [event for event in await all_events(connection) if event["kind"] == "digest"]
        assert await missed_head(connection) is None

    async with as_administrator(bot.url) as connection:
        await connection.execute(delete(event_rows).where(event_rows.c.id >= digest["id"] - 1))
        assert await faults(connection, None) == []
        assert await missed_head(connection) == DigestHead(digest["id"] - 1, head)
        await connection.exec_driver_sql("UPDATE outbox SET content = 'nothing' WHERE content IS NOT NULL")
        assert await missed_head(connection) is None
        assert await faults(connection, head) == ["the chain"]
    async with as_administrator(bot.url) as connection:
        await connection.exec_driver_sql("DELETE FROM outbox")
        assert await missed_head(connection) is None
        await Tamperer(connection, Random(1)).rewrite(2, {"actor": "U0FORGED"})
        assert await faults(connection, None) == []
        assert (await missed_head(connection)) == DigestHead(digest["id"] - 1, head)


async def test_verify_tells_of_a_digest_that_knew_of_more(bot: Bot, clock: Clock) -> None:
    await activate_policy(bot.database, bot.policy, clock)
    clock.advance(hours=21)
    await bot.work("digest")
    content = json.dumps({"events": 7, "head": "e" * 64})
    async with bot.database.write() as transaction:
        await transaction.connection.execute(update(outbox).values(content=content))
    [fault], _ = await verify(bot.url)
    assert fault.startswith(f"A digest in the database has the head {'e' * 64} after 7 events, but the chain")


async def test_of_many_differences_the_first_are_told_and_how_many_those_are(bot: Bot) -> None:
    for amount in range(1, MOST + 2):
        await bot.ask(amount)
    found: list[str] = []
    for reason in ("another", "the spring mailing"):
        async with bot.database.write() as transaction:
            await transaction.connection.execute(update(request_rows).values(reason=reason))
        found += (await verify(bot.url))[0]
    assert found[1 + MOST :] == ["There are more differences; these are the first 20."]


TAKEN_AWAY = {
    "sqlite": [
        "DROP TRIGGER events_refuse_update",
        "DROP TRIGGER events_refuse_replace",
        (
            "DROP TRIGGER events_refuse_delete; CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events "
            "WHEN OLD.id < 0 BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
        ),
    ],
    "postgresql": [
        "DROP TRIGGER events_refuse ON events",
        "ALTER TABLE events DISABLE TRIGGER events_refuse",
        (
            "CREATE OR REPLACE FUNCTION events_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RETURN NULL; END $$"
        ),
    ],
}


async def test_triggers_that_were_taken_away_are_missed_and_laid_again(bot: Bot) -> None:
    await bot.checked()
    for statements in TAKEN_AWAY["postgresql" if is_postgres(bot.url) else "sqlite"]:
        async with bot.database.write() as transaction:
            for statement in re.split("; (?=CREATE)", statements):
                await transaction.connection.exec_driver_sql(statement)
        found, _ = await verify(bot.url)
        assert found[0].startswith("Triggers that protect the ledger are missing or changed"), statements
        assert "Restore: `creditbot migrate`" in found[0]
        await asyncio.to_thread(migrate, bot.url)
        assert (await verify(bot.url))[0] == []


async def test_what_differs_is_named(busy: Bot) -> None:
    async with as_administrator(busy.url) as connection:
        for statement, says in (
            ("UPDATE requests SET allocation_update = 251 WHERE id = 1", "allocation_update is 251 in the"),
            ("DELETE FROM approvals WHERE request_id = 1", "the approval of U0ANN: it is in the ledger"),
            (
                "UPDATE attempts SET outcome = 'x' WHERE request_id = 1",
                'outcome is "x" in the table and "app',
            ),
            # By another key a second change could slip past one that is under way.
            (
                "UPDATE requests SET subuser_key = 'x' WHERE id = 1",
                'subuser_key is "x" in the table and "acme" in the ledger',
            ),
        ):
            async with undone(connection):
                await connection.exec_driver_sql(statement)
                found = [difference async for difference in compare(connection)]
                assert any(says in difference for difference in found), found
                assert all(difference.startswith("Request 1") for difference in found)


async def test_of_many_differences_the_first_are_named(bot: Bot) -> None:
    for amount in range(1, MOST + 2):
        await bot.ask(amount)
    await tamper(bot, "UPDATE requests SET approvals_needed = approvals_needed + 1")
    found, _ = await verify(bot.url)
    assert sum(fault.startswith("Request ") for fault in found) == MOST
    assert found[-1] == f"There are more differences; these are the first {MOST}."
    await tamper(bot, "UPDATE requests SET approvals_needed = approvals_needed - 1")


async def tamper(bot: Bot, statement: str) -> None:
    async with bot.database.write() as transaction:
        await transaction.connection.exec_driver_sql(statement)


async def test_a_head_that_is_not_in_the_chain_is_missed(busy: Bot) -> None:
    found, _ = await verify(busy.url, "0" * 64)
    assert "events have been removed or rewritten" in found[0]


@on_sqlite
@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE requests SET expires_at = 'soon'", 'Request 1: expires_at is "soon" in the table'),
        ("UPDATE requests SET expires_at = 99999999999999999", "expires_at is 99999999999999999 in the"),
        ("UPDATE requests SET decided_at = -99999999999999999", "decided_at is -99999999999999999 in the"),
        (
            "UPDATE requests SET reason = x'00ff', subuser = 1.5",
            r"""reason is "b'\\x00\\xff'" in the table""",
        ),
        ("UPDATE approvals SET at = 'soon'", 'the approval of U0ANN: at is "soon" in the table'),
        ("UPDATE approvals SET request_id = 'one'", "Row 1 of approvals: the request ID in it is not a "),
        ("UPDATE attempts SET number = 'one'", "attempt one: it is in the table"),
    ],
)
async def test_what_is_of_no_type_that_a_column_has_is_named(bot: Bot, statement: str, says: str) -> None:
    request = await bot.approved()
    await bot.apply(request.id)
    async with as_administrator(bot.url) as connection:
        await connection.exec_driver_sql(statement)
        found = await faults(connection, None)
    assert any(says in fault for fault in found), found


@on_sqlite
@pytest.mark.parametrize("value", ["x'00ff'", "1.5", "'x'", "NULL", "99999999999999999"])
@pytest.mark.parametrize("column", ["request_id", "at", "kind", "actor", "detail"])
async def test_an_event_of_no_type_that_a_column_has_breaks_the_chain(
    bot: Bot, column: str, value: str
) -> None:
    await bot.checked()
    async with as_administrator(bot.url) as connection:
        try:
            await connection.exec_driver_sql(f"UPDATE events SET {column} = {value} WHERE id = 1")  # noqa: S608 - ours
        except IntegrityError:
            return
        assert await faults(connection, None) == ["the chain"]


async def test_the_export_has_what_is_not_as_the_bot_writes_it(url: str) -> None:
    database = Database(url)
    at = 99999999999999999 if is_postgres(url) else "soon"
    details = [
        "nothing",
        '"text"',
        '{"subuser": "a\\u0000b"}',
        '{"subuser": 7}',
        '{"said": "\\ud800"}',
        "[" * 9000,
    ]
    async with database.write() as transaction:
        for number, detail in enumerate(details, 1):
            await transaction.connection.execute(
                insert(event_rows).values(
                    id=number, at=at, kind="x", detail=detail, previous_hash=f"{number}", hash=f"{number}"
                )
            )
    await database.close()
    for as_csv in (False, True):
        out = io.StringIO()
        await export(url, out, csv=as_csv, days=(None, None), subuser=None)
        assert len(out.getvalue().splitlines()) == len(details) + as_csv
    lines = io.StringIO()
    await export(url, lines, csv=False, days=(None, None), subuser="a\ufffdb")
    [event] = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert (event["at"], event["detail"], event["subuser"]) == (at, {"subuser": "a\x00b"}, "a\ufffdb")


async def test_what_a_broken_click_says_does_not_keep_the_ledger_from_being_exported(bot: Bot) -> None:
    await bot.clicks.refuse_unknown_button("U1", "act\x00ion", "va\x00lue")
    out = io.StringIO()
    await export(bot.url, out, csv=False, days=(None, None), subuser=None)
    assert len(out.getvalue().splitlines()) == 1


def test_the_last_day_that_there_is_can_be_named() -> None:
    assert days_of(None, "9999-12-31") == (None, None)
    first, last = days_of("0001-01-01", "9999-12-30")
    assert first is not None
    assert last is not None


@pytest.mark.parametrize("around", ["{}", "  {}\n", "`{}`", " `{}` "])
def test_a_head_is_read_as_people_copy_it(around: str) -> None:
    head = "0123456789abcdef" * 4
    assert head_of(around.format(head.upper())) == head_of(around.format(head)) == head


@pytest.mark.parametrize("text", ["", "``", "abc", "g" * 64, "0" * 63, "0" * 65, f"{'0' * 32} {'0' * 32}"])
def test_what_is_no_head_is_said_to_be_that(text: str) -> None:
    with pytest.raises(ValueError, match="--head is not a head, which has 64 digits"):
        head_of(text)


async def test_the_export_has_each_event_whole(busy: Bot) -> None:
    lines, sheet = io.StringIO(), io.StringIO()
    await export(busy.url, lines, csv=False, days=(None, None), subuser=None)
    await export(busy.url, sheet, csv=True, days=(None, None), subuser=None)
    exported = [json.loads(line) for line in lines.getvalue().splitlines()]
    async with busy.database.read() as connection:
        recorded = await all_events(connection)
    assert [event["hash"] for event in exported] == [event["hash"] for event in recorded]
    assert [event["detail"] for event in exported] == [json.loads(event["detail"]) for event in recorded]
    assert sheet.getvalue().count("\n") == len(recorded) + 1
    assert exported[0]["at"] == "2026-03-02T12:00:00.000Z"


async def test_the_export_is_of_the_days_and_the_subuser_that_were_named(busy: Bot) -> None:
    async def exported(first: str | None, last: str | None, subuser: str | None) -> int:
        out = io.StringIO()
        await export(busy.url, out, csv=False, days=days_of(first, last), subuser=subuser)
        return len(out.getvalue().splitlines())

    everything = await exported(None, None, None)
    assert await exported("2026-03-02", "2026-03-02", None) == everything
    assert await exported("2026-03-03", None, None) == await exported(None, "2026-03-01", None) == 0
    assert 0 < await exported(None, None, "acme") < everything
    assert await exported(None, None, "ACME") == await exported(None, None, "acme")
    assert await exported(None, None, "nobody") == 0


@pytest.mark.parametrize(("asked", "named"), [("=1+1", "=1+1"), ("=Äcme", "=äCME")])
async def test_a_refused_asking_is_among_what_is_about_its_subuser(
    start: StartBot, asked: str, named: str
) -> None:
    bot = start(Policy())
    for subuser in (asked, "other"):
        with pytest.raises(DomainError):
            await bot.ask(subuser=subuser)
    out = io.StringIO()
    await export(bot.url, out, csv=True, days=(None, None), subuser=named)
    [_, row] = out.getvalue().splitlines()
    assert f""","'{asked}","refused_ask",""" in row


FORMULAS = [
    "=1+1",
    "x;=HYPERLINK(1)",
    'x;"=1+1"',
    ";+1;-1;@x",
    "'=1",
    ";'=1",
    "x\n=1",
    "a;b",
    "x;\t=1",
    "\r=1",
]


async def test_no_cell_of_an_export_is_a_formula_wherever_a_spreadsheet_splits_it(url: str) -> None:
    database = Database(url)
    async with database.write() as transaction:
        for text in FORMULAS:
            detail = {"subuser": text, "reason": text}
            await events.append(transaction.connection, text, at=Clock()(), actor=text, detail=detail)
        last = {"id": len(FORMULAS) + 1, "at": 0, "kind": "x", "previous_hash": "p", "hash": "h"}
        await transaction.connection.execute(insert(event_rows).values(detail="x;=1", **last))
    await database.close()
    out = io.StringIO(newline="")
    await export(url, out, csv=True, days=(None, None), subuser=None)

    for separator in (";", ",", "\t"):
        for row in csv.reader(io.StringIO(out.getvalue(), newline=""), delimiter=separator):
            assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))], separator
    rows = list(csv.DictReader(io.StringIO(out.getvalue(), newline="")))
    for event, text in zip(rows, FORMULAS, strict=False):
        assert json.loads(event["detail"]) == {"subuser": text, "reason": text}
        assert {as_it_was(event[name]) for name in ("kind", "actor", "subuser")} == {text}
    assert as_it_was(rows[-1]["detail"]) == "x;=1"


def as_it_was(cell: str) -> str:
    """As the README says how to read one."""
    return re.sub(r"""(^|[;\t\n\r])'(?=["']*[=+\-@\t\r])""", r"\1", cell)


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [("soon", None, "--from is not a date"), (None, "2026-02-30", "--to is not a date"),
     ("2026-03-02", "2026-03-01", "--to is before --from")],
)  # fmt: skip
def test_days_that_cannot_be_meant_are_said_to_be_that(
    first: str | None, last: str | None, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        days_of(first, last)


@pytest.mark.parametrize("of_one_request", [False, True])
async def test_a_long_ledger_takes_no_more_memory_than_a_short_one(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, *, of_one_request: bool
) -> None:
    page = short_or_long(100, PAGE)
    for module in ("compare", "history", "recount"):
        monkeypatch.setattr(f"creditbot.store.{module}.PAGE", page)
    monkeypatch.setattr("creditbot.store.sqlite.PAGE", page)
    request_id = (await bot.checked()).id if of_one_request else None

    async def peak(more: int) -> int:
        async with bot.database.write() as transaction:
            for _ in range(more):
                await events.append(
                    transaction.connection,
                    "refused_click",
                    at=bot.clock(),
                    request_id=request_id,
                    detail={"said": "x" * 500},
                )
        tracemalloc.start()
        async with bot.database.read() as connection:
            await recount(connection)
            assert [difference async for difference in compare(connection)] == []
            async for _ in history(connection, None, None, subuser=None):
                pass
        _, found = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return found

    short = await peak(2 * page)
    assert await peak(10 * page) < 1.5 * short
