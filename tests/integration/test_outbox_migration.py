"""What was to be shown in Slack, and what was planned, goes on in the outbox and the timers as it stood."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, insert, text

from creditbot.domain import schedule
from creditbot.domain.digest import Digest
from creditbot.domain.place import Place
from creditbot.domain.requests import Status
from creditbot.domain.undone import Undone
from creditbot.migrate import migrate
from creditbot.operations import activate_policy, move_cards
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.store import timers
from creditbot.store.tables import metadata, outbox, requests
from creditbot.store.types import to_millis

from .adapters import ANN, ASKER, BEN, CAT, CHANNEL, POLICY, Bot, Clock
from .conftest import MakeDatabase
from .filled import row
from .test_migrations import lay

NOW = Clock().now
SOON, LATER, BEFORE = NOW + timedelta(seconds=40), NOW + timedelta(hours=21), NOW - timedelta(hours=3)

DIGEST = Digest(0, 1, 4, {}, 0, {}, 0, (), 7, "a" * 64)

WAITS = {"tries": 2, "error": "service_unavailable", "failing_since": BEFORE, "next_try_at": SOON}

CARDS: list[dict[str, Any]] = [
    {"request_id": 1, "channel": CHANNEL, "ts": "1.1", "posts": 1, "shown_version": 3},
    {"request_id": 2, "channel": CHANNEL, "ts": "2.1", "posts": 1, "shown_version": 2},
    {"request_id": 3, "channel": CHANNEL, "posts": 1, **WAITS},
    {"request_id": 4, "channel": CHANNEL},
    {"request_id": 5, "channel": "C0OLD", "ts": "5.1", "posts": 1, "shown_version": 2, "moved_at": BEFORE},
    {"request_id": 5, "channel": CHANNEL, "ts": "5.2", "posts": 1, "shown_version": 3},
    {"request_id": 6, "channel": "C0GONE", "given_up_at": BEFORE, "error": "is_archived"},
]

NOTICES: list[dict[str, Any]] = [
    {"kind": "in_doubt", "person": BEN, "next_try_at": SOON, "tries": 1},
    {"kind": "applied", "person": ASKER, "sent_at": BEFORE},
    {"kind": "applied", "person": ANN},
    {"kind": "applied", "person": BEN},
    {"kind": "applied", "person": CAT, "given_up_at": BEFORE, "error": "user_not_found"},
]

BULLETINS: list[dict[str, Any]] = [
    {"kind": "digest", "due_at": BEFORE - timedelta(days=1), "content": DIGEST, "sent_at": BEFORE},
    {"kind": "digest", "due_at": BEFORE, "content": DIGEST, **WAITS},
    {"kind": "drift", "due_at": BEFORE, "next_try_at": SOON, "tries": 5, "runs": 1, "run_after": SOON},
    {"kind": "digest", "due_at": LATER, "next_try_at": LATER},
]


def stored(value: Any) -> Any:
    match value:
        case datetime():
            return to_millis(value)
        case Digest():
            return json.dumps(value.document())
    return value


def lay_down(url: str) -> None:
    """Rows in every state, in the tables of before."""
    engine = create_engine(url)
    with engine.begin() as connection:
        lay(connection, "0017")
        held = {"policy_hash": POLICY.hash, "follows_policy": POLICY.hash, "token": "0" * 32, "version": 3}
        for id_ in range(1, 7):
            state: dict[str, Any] = {"checked_at": None} if id_ == 4 else {}
            state |= {"status": Status.APPLIED, "finished_at": BEFORE} if id_ == 6 else {}
            connection.execute(
                insert(requests), row(id_, requested_at=BEFORE, expires_at=LATER, **held, **state)
            )
        notices = [{"request_id": 6, "created_at": BEFORE, **notice} for notice in NOTICES]
        for table, rows in (("cards", CARDS), ("notices", notices), ("bulletins", BULLETINS)):
            for values in rows:
                names = ", ".join(values)
                marks = ", ".join(f":{name}" for name in values)
                connection.execute(
                    text(f"INSERT INTO {table} ({names}) VALUES ({marks})"),  # noqa: S608 - names of ours
                    {name: stored(value) for name, value in values.items()},
                )
    engine.dispose()


@pytest.fixture
async def migrated(new_database: MakeDatabase, sandbox: SendGridSandbox, clock: Clock) -> AsyncIterator[Bot]:
    url = new_database()
    lay_down(url)
    await asyncio.to_thread(migrate, url)
    bot = Bot(url, sandbox, clock)
    yield bot
    await bot.close()


async def rows(bot: Bot, table: str) -> list[dict[str, Any]]:
    async with bot.database.read() as connection:
        found = await connection.execute(metadata.tables[table].select().order_by(text("id")))
        return [dict(one) for one in found.mappings()]


def expected(**values: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(column.name for column in outbox.columns)
    counts = {"posts": 0, "shown_version": 0, "wanted_version": 1, "tries": 0, "created_at": BEFORE}
    return nothing | counts | values


async def test_every_row_keeps_its_state(migrated: Bot) -> None:
    found = await rows(migrated, "outbox")

    wanted = {4: 0}
    cards = [
        expected(
            kind="card", recipient=card["channel"], wanted_version=wanted.get(card["request_id"], 3), **card
        )
        for card in CARDS
    ]
    notices = [
        expected(
            subject="request 6",
            request_id=6,
            recipient=notice["person"],
            shown_version=int("sent_at" in notice),
            **notice,
        )
        for notice in NOTICES
    ]
    daily = [
        expected(
            subject=f"bulletin {number}",
            recipient="",
            shown_version=int("sent_at" in bulletin),
            created_at=bulletin["due_at"],
            **bulletin | {"content": json.dumps(DIGEST.document())},
        )
        for number, bulletin in enumerate(BULLETINS[:2], 1)
    ]
    every = [
        {"id": id_, **{name: value for name, value in one.items() if name in outbox.c and name != "id"}}
        for id_, one in enumerate([*cards, *notices, *daily], 1)
    ]
    assert found == every
    assert [
        (timer["name"], timer["due_at"], timer["next_try_at"], timer["tries"], timer["runs"])
        for timer in await rows(migrated, "timers")
    ] == [("comparison", BEFORE, SOON, 5, 1), ("digest", LATER, LATER, 0, 0)]


async def test_everything_is_delivered_from_there(migrated: Bot, clock: Clock) -> None:
    await activate_policy(migrated.database, POLICY, clock)
    await move_cards(migrated.database, POLICY, CHANNEL, clock)
    assert (await migrated.request(4)).check is None

    await migrated.work("deliver")
    shown = {message: found.id for message, found in migrated.messenger.shown.items()}
    assert shown == {(CHANNEL, "2.1"): 2}
    assert migrated.messenger.pointers == {("C0OLD", "5.1"): (5, Place(CHANNEL, "5.2"))}
    assert migrated.messenger.notices == [(ANN, "applied", 6)]
    assert [(to, type(said)) for to, said in migrated.messenger.daily] == [(CHANNEL, Digest)]

    clock.now = SOON
    await migrated.work("deliver", "compare")
    assert [found.id for found in migrated.messenger.shown.values()] == [2, 3]
    assert migrated.messenger.with_copy_above == set(migrated.messenger.posted)
    assert migrated.messenger.notices[1:] == [(BEN, "in_doubt", 6), (BEN, "applied", 6)]
    async with migrated.database.read() as connection:
        assert await timers.planned(connection, schedule.COMPARISON) != BEFORE

    clock.now = LATER
    await migrated.work("digest", "deliver")
    assert [type(said) for _, said in migrated.messenger.daily] == [Digest, Digest]


async def test_a_daily_message_that_says_nothing_is_told_to_be_missing(
    new_database: MakeDatabase, sandbox: SendGridSandbox, clock: Clock
) -> None:
    """Its kind was damaged before it was worked out."""
    url = new_database()
    lay_down(url)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE bulletins SET kind = 'dig' WHERE id = 4")
    engine.dispose()
    await asyncio.to_thread(migrate, url)
    bot = Bot(url, sandbox, clock)
    await activate_policy(bot.database, POLICY, clock)
    await move_cards(bot.database, POLICY, CHANNEL, clock)
    clock.now = LATER
    await bot.work("deliver")
    assert Undone in [type(said) for _, said in bot.messenger.daily]
    await bot.close()
