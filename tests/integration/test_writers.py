"""One writer at a time, over all processes, and none that can keep the others waiting for ever."""

import asyncio
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import select, update

from creditbot.domain.errors import NotTaken
from creditbot.domain.requests import Status
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.store import database, lists, requests
from creditbot.store.database import AWAY, Database, Transaction
from creditbot.store.engines import is_postgres
from creditbot.store.tables import requests as table
from tests.postgres import PostgresServer

from .adapters import ANN, Bot, Clock
from .conftest import on_postgres

ROOT = Path(__file__).parent.parent.parent
PIPE = asyncio.subprocess.PIPE

COUNT_UP = """
import asyncio, sys
from tests.integration.test_writers import count_up
print("ready", flush=True)
sys.stdin.readline()
asyncio.run(count_up(sys.argv[1], 100))
"""

FREEZE = """
import asyncio, sys
from creditbot.store.database import Database


async def freeze():
    database = Database(sys.argv[1])
    try:
        async with database.write() as transaction:
            await transaction.connection.exec_driver_sql("UPDATE requests SET tries = 77")
            print("inside", flush=True)
            sys.stdin.readline()
    except Exception as error:
        print(type(error).__name__, flush=True)
    await database.close()

asyncio.run(freeze())
"""


async def count_up(url: str, times: int) -> None:
    """Read a number and write it one higher, many times at once."""
    database = Database(url)

    async def one() -> None:
        while True:
            try:
                async with database.write() as transaction:
                    found = await transaction.connection.scalar(select(table.c.tries))
                    assert found is not None
                    await transaction.connection.execute(update(table).values(tries=found + 1))
            except AWAY:  # the other process held the lock for long
                continue
            return

    await asyncio.gather(*(one() for _ in range(times)))
    await database.close()


async def test_none_of_two_hundred_writes_from_two_processes_is_lost(bot: Bot) -> None:
    request = await bot.ask()
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", COUNT_UP, bot.url, cwd=ROOT, stdin=PIPE, stdout=PIPE
    )
    assert other.stdout is not None
    assert await other.stdout.readline() == b"ready\n"

    await asyncio.gather(other.communicate(b"go\n"), count_up(bot.url, 100))

    assert other.returncode == 0
    async with bot.database.read() as connection:
        assert await requests.tries(connection, request.id) == 200


async def test_two_writers_of_one_process_never_overlap(bot: Bot) -> None:
    await bot.ask()
    others = Database(bot.url)
    inside, most = 0, 0

    async def write(database: Database) -> None:
        nonlocal inside, most
        async with database.write() as transaction:
            await transaction.connection.scalar(select(table.c.tries))
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.005)
            inside -= 1

    await asyncio.gather(*(write(database) for database in (bot.database, others) for _ in range(20)))
    await others.close()

    assert (inside, most) == (0, 1)


async def test_while_the_server_is_away_nothing_is_taken_and_afterwards_all_goes_on(
    own_server: PostgresServer, sandbox: SendGridSandbox, clock: Clock
) -> None:
    url = own_server.driver_url(await asyncio.to_thread(own_server.create_migrated))
    assert is_postgres(url)
    bot = Bot(url, sandbox, clock)
    request = await bot.checked()

    await asyncio.to_thread(own_server.stop)
    for _ in range(3):
        with pytest.raises(NotTaken):
            await bot.decisions.approve(request.id, ANN)
        with pytest.raises(NotTaken):
            await bot.ask(origin="trigger-while-away")
    with pytest.raises(AWAY):
        await bot.request(request.id)
    await asyncio.to_thread(own_server.start)

    assert await bot.request(request.id) == request
    assert (await bot.decisions.approve(request.id, ANN)).status is Status.APPROVED
    async with bot.database.read() as connection:
        assert len(await lists.page(connection, 1000)) == 1
    await bot.assert_sound()
    await bot.close()


@on_postgres
@pytest.mark.people_wait
async def test_a_process_that_stands_still_over_its_writing_loses_the_lock(bot: Bot) -> None:
    request = await bot.checked()
    frozen = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FREEZE, bot.url, stdin=PIPE, stdout=PIPE
    )
    assert frozen.stdout is not None
    assert await frozen.stdout.readline() == b"inside\n"
    frozen.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(NotTaken):
            await bot.decisions.approve(request.id, ANN)
        async with asyncio.timeout(60):
            while await bot.status(request.id) is Status.PENDING:
                with suppress(NotTaken):
                    await bot.decisions.approve(request.id, ANN)
    finally:
        frozen.send_signal(signal.SIGCONT)
    said, _ = await frozen.communicate(b"\n")
    assert said in {b"CommitUnclear\n", b"OperationalError\n"}
    async with bot.database.read() as connection:
        assert await requests.tries(connection, request.id) == 0


async def test_jobs_begin_once_nobody_waits_for_an_answer(bot: Bot) -> None:
    inside, let_go = asyncio.Event(), asyncio.Event()

    async def decide(_: Transaction) -> None:
        inside.set()
        await let_go.wait()

    await bot.database.people_first()
    person = asyncio.create_task(bot.database.for_person(decide))
    await inside.wait()
    job = asyncio.create_task(bot.database.people_first())
    await asyncio.sleep(0.01)
    assert not job.done()
    let_go.set()
    await asyncio.gather(person, job)
    assert not bot.database._for_people


async def test_jobs_begin_though_people_wait_for_long(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "GIVE_WAY", 0.01)
    let_go = asyncio.Event()

    async def look(_: object) -> None:
        await let_go.wait()

    person = asyncio.create_task(bot.database.read_for_person(look))
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        await bot.database.people_first()
    assert not person.done()
    let_go.set()
    await person
