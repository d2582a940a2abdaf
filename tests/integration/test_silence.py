"""A database that says nothing: whoever looks something up, or clicks, is answered soon all the same."""

import asyncio
import signal
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain.errors import NotAnswered, NotTaken
from creditbot.domain.paging import History, Pending
from creditbot.domain.requests import Status
from creditbot.domain.who import Actor
from creditbot.elapsed import boottime
from creditbot.operations import Delivery
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.store import database as store
from creditbot.store.engines import is_postgres
from tests.authority import EMERGENCY, POLICY, ROLES
from tests.postgres import PostgresServer

from .adapters import ASKER, Bot
from .conftest import StartBot, on_postgres
from .http_bot import opened

pytestmark = pytest.mark.people_wait

Silence = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def silence(url: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Silence:
    """Makes the database silent: PostgreSQL stands still, or another program has the whole SQLite file."""

    @contextmanager
    def stopped() -> Iterator[None]:
        server: PostgresServer = request.getfixturevalue("postgres")
        server.send(signal.SIGSTOP)
        try:
            yield
        finally:
            server.send(signal.SIGCONT)

    @contextmanager
    def locked() -> Iterator[None]:
        path = make_url(url).database or ""
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
            other.execute("BEGIN EXCLUSIVE")
            yield

    @contextmanager
    def silent(patience: float = 0.3) -> Iterator[None]:
        with monkeypatch.context() as meanwhile, (stopped if is_postgres(url) else locked)():
            meanwhile.setattr(store, "PATIENCE", patience)
            yield

    return silent


LOOKS: dict[str, Callable[[Bot], Awaitable[object]]] = {
    "pending": lambda bot: bot.queries.pending(Pending(), Actor(ASKER)),
    "history": lambda bot: bot.queries.history(History("acme")),
    "show": lambda bot: bot.queries.show(1, Actor(ASKER)),
    "the first look of an Approve": lambda bot: bot.decisions.wants_break_glass(1, EMERGENCY),
}


async def test_what_is_looked_up_is_answered_in_words(start: StartBot, silence: Silence) -> None:
    bot = start(POLICY)
    await bot.ask()
    await bot.database.close()  # no connection of ours is in the way of the other's lock
    with silence():
        async with asyncio.timeout(20):
            answers = await asyncio.gather(*(look(bot) for look in LOOKS.values()), return_exceptions=True)
    assert {name: type(answer) for name, answer in zip(LOOKS, answers, strict=True)} == dict.fromkeys(
        LOOKS, NotAnswered
    )
    await asyncio.gather(*bot.database._for_people, return_exceptions=True)


async def test_a_table_that_is_missing_is_no_database_that_is_away(start: StartBot) -> None:
    bot = start(POLICY)
    await bot.ask()

    async def rename(old: str, new: str) -> None:
        async with bot.database.write() as transaction:
            await transaction.connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))

    await rename("requests", "hidden")
    try:
        for act in (bot.queries.pending(Pending(), Actor(ASKER)), bot.decisions.cancel(1, ASKER)):
            with pytest.raises(DBAPIError):
                await act
    finally:
        await rename("hidden", "requests")


async def test_a_click_that_takes_two_looks_has_one_time_for_both(start: StartBot, silence: Silence) -> None:
    """Who may approve in an emergency is looked up first; what is left of Slack's 3 s is for the decision."""
    bot = start(POLICY)
    request = await bot.ask(by=EMERGENCY)
    long_ago = Delivery("click:1", boottime() - 60.0)
    await bot.database.close()
    with silence(patience=60.0):  # whoever counted anew would wait for so long
        async with asyncio.timeout(20):
            with pytest.raises(NotAnswered):
                await bot.decisions.wants_break_glass(request.id, EMERGENCY, long_ago)
            with pytest.raises(NotTaken):
                await bot.decisions.check_may_break_glass(request.id, EMERGENCY, long_ago)


async def test_a_look_of_which_the_time_is_over_is_not_waited_for(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever time the driver itself would take to give up."""
    monkeypatch.setattr(store, "PATIENCE", 60)
    over = asyncio.Event()

    async def look(_: AsyncConnection) -> None:
        await over.wait()

    async with asyncio.timeout(20):
        with pytest.raises(NotAnswered):
            await bot.database.read_for_person(look, boottime() - 61)
    over.set()


@on_postgres
async def test_a_click_is_acked_and_its_clicker_told(
    url: str, sandbox: SendGridSandbox, tmp_path: Path, silence: Silence
) -> None:
    role = ROLES["requester who may approve in an emergency"]
    async with opened(url, sandbox, tmp_path, role) as bot:
        await bot.prepare(Status.PENDING)
        with silence():
            async with asyncio.timeout(20):
                delivery = await bot._slack.click(role.actor, bot._card, "Approve")
                [words] = await bot._slack.until(lambda: bot._slack.ephemerals(role.actor))
        assert delivery.status == 200
        assert "database does not answer right now. Nothing was changed" in words.plain()
        assert bot._slack.open_views(role.actor) == []


async def test_no_more_than_so_many_wait_for_a_silent_database(
    start: StartBot, silence: Silence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would be answered in time, and what is left to itself must not fill the memory."""
    monkeypatch.setattr(store, "MOST_AT_ONCE", 3)
    bot = start()
    await bot.database.close()
    with silence():
        looks = [asyncio.create_task(bot.queries.pending(Pending(), Actor(ASKER))) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(NotAnswered):
            await bot.queries.pending(Pending(), Actor(ASKER))
        with pytest.raises(NotTaken):
            await bot.ask()
        assert len(bot.database._for_people) == 3
        assert not any(look.done() for look in looks)
        answers = await asyncio.gather(*looks, return_exceptions=True)
    assert {type(answer) for answer in answers} == {NotAnswered}
    await asyncio.gather(*bot.database._for_people, return_exceptions=True)
