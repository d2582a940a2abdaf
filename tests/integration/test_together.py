"""What is written at once is committed together, and what goes wrong with one is that one's alone."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from creditbot.domain.errors import NotTaken
from creditbot.store import events, tables, writer
from creditbot.store.database import CommitUnclear, Database, Transaction
from creditbot.store.tables import deliveries
from creditbot.store.work_on_requests import CHECK
from creditbot.store.writer import TogetherLost
from tests.recounting import recounted

from .adapters import Clock, RecordingWaker
from .conftest import on_postgres
from .proxy import Proxy
from .statements import executed


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """For which no time passes, so that nothing is committed before all had their turn."""
    database = Database(url, elapsed=lambda: 0.0)
    yield database
    await database.close()


@pytest.fixture
def commits() -> Iterator[list[str]]:
    """One for each transaction that is committed."""
    found: list[str] = []

    def committed(_connection: Any) -> None:
        found.append("commit")

    event.listen(Engine, "commit", committed)
    yield found
    event.remove(Engine, "commit", committed)


async def note(transaction: Transaction, name: str) -> None:
    await transaction.connection.execute(insert(deliveries).values(id=name, at=Clock()()))


async def write(database: Database, name: str, patience: float | None = None) -> None:
    async with database.write(patience) as transaction:
        await note(transaction, name)
        transaction.wake(CHECK, int(name))


async def written(database: Database) -> list[str]:
    async with database.read() as connection:
        found = (await connection.execute(select(deliveries.c.id))).scalars()
        return sorted(found, key=int)


@dataclass
class Held:
    """A part that is under way until it is let go."""

    database: Database
    name: str = "0"
    inside: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> None:
        async with self.database.write() as transaction:
            self.inside.set()
            await self.let_go.wait()
            await note(transaction, self.name)


async def after_one(database: Database, *others: Coroutine[Any, Any, None]) -> list[BaseException | None]:
    """Have these come while another writes; what became of each, the other first."""
    held = Held(database)
    first = asyncio.create_task(held())
    await held.inside.wait()
    tasks = [asyncio.create_task(other) for other in others]
    await asyncio.sleep(0)
    held.let_go.set()
    return await asyncio.gather(first, *tasks, return_exceptions=True)


async def test_what_comes_meanwhile_is_committed_once(database: Database, commits: list[str]) -> None:
    found = await after_one(database, *(write(database, str(number)) for number in range(1, 20)))

    assert found == [None] * 20
    assert await written(database) == [str(number) for number in range(20)]
    assert len(commits) == 1


async def test_no_more_than_so_many_are_committed_together(
    database: Database, commits: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MOST", 4)
    assert (
        await after_one(database, *(write(database, str(number)) for number in range(1, 10))) == [None] * 10
    )
    assert len(commits) == 3


async def test_nobody_waits_long_for_those_that_come_after(url: str, commits: list[str]) -> None:
    """A clock that goes on by a second each time it is read."""
    seconds = iter(range(1_000_000))
    database = Database(url, elapsed=lambda: float(next(seconds)))
    assert await after_one(database, write(database, "1"), write(database, "2")) == [None] * 3
    await database.close()
    assert len(commits) == 3


async def test_what_one_raises_undoes_that_ones_part_only(database: Database, commits: list[str]) -> None:
    async def twice(name: str) -> None:
        async with database.write() as transaction:
            await note(transaction, "99")
            await note(transaction, name)

    async def refused() -> None:
        async with database.write(before_commit=refuse) as transaction:
            await note(transaction, "98")

    def refuse() -> None:
        raise NotTaken

    found = await after_one(database, write(database, "1"), twice("0"), refused(), write(database, "2"))

    assert [type(one) for one in found] == [type(None), type(None), IntegrityError, NotTaken, type(None)]
    assert await written(database) == ["0", "1", "2"]
    assert len(commits) == 1


async def test_the_chain_goes_on_from_what_was_not_undone_and_its_head_is_read_once(
    database: Database,
) -> None:
    async def happened(kind: str, *, then: type[Exception] | None = None) -> None:
        async with database.write() as transaction:
            await events.append(transaction.connection, kind, at=Clock()())
            if then is not None:
                raise then

    with executed() as statements:
        found = await after_one(
            database, happened("a"), happened("b"), happened("c", then=ZeroDivisionError), happened("d")
        )
    await happened("e")

    assert [type(one) for one in found if one is not None] == [ZeroDivisionError]
    async with database.read() as connection:
        rows = [dict(row) for row in (await connection.execute(select(tables.events))).mappings()]
    assert [row["kind"] for row in rows] == ["a", "b", "d", "e"]
    assert recounted(rows).broken_at is None
    heads = [text for text in statements if text.startswith("SELECT events.id, events.hash")]
    assert len(heads) == 2, "once, and once more after a part that was undone"


async def test_what_the_first_one_raises_stops_nobody(database: Database) -> None:
    async def failing() -> None:
        async with database.write() as transaction:
            await note(transaction, "1")
            await asyncio.sleep(0)
            raise ValueError

    found = await asyncio.gather(failing(), write(database, "2"), return_exceptions=True)

    assert [type(one) for one in found] == [ValueError, type(None)]
    assert await written(database) == ["2"]


async def test_who_is_cancelled_over_their_part_takes_the_others_back(database: Database) -> None:
    """What its connection is in the middle of is not known then. Nobody is told of a success."""

    async def cancelled() -> None:
        async with database.write() as transaction:
            await note(transaction, "1")
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)

    found = await after_one(database, cancelled())

    assert [type(one) for one in found] == [TogetherLost, asyncio.CancelledError]
    assert await written(database) == []
    await write(database, "2")
    assert await written(database) == ["2"]


async def test_who_stops_waiting_for_their_turn_leaves_the_commit_to_others(database: Database) -> None:
    """The last of those who waited goes away: the first one's part is committed all the same."""
    held = Held(database)
    first = asyncio.create_task(held())
    await held.inside.wait()
    last = asyncio.create_task(write(database, "1"))
    impatient = asyncio.create_task(write(database, "2", patience=0))
    await asyncio.sleep(0)
    held.let_go.set()
    last.cancel()
    found = await asyncio.gather(first, last, impatient, return_exceptions=True)

    assert [type(one) for one in found] == [type(None), asyncio.CancelledError, TimeoutError]
    assert await written(database) == ["0"]


async def test_who_got_the_turn_while_they_were_cancelled_hands_it_on(database: Database) -> None:
    held = Held(database)
    first = asyncio.create_task(held())
    await held.inside.wait()
    late = asyncio.create_task(write(database, "1"))
    after = asyncio.create_task(write(database, "2"))
    await asyncio.sleep(0)

    def cancel_once_it_was_given() -> bool:
        late.cancel()
        return True

    original = database._writer._turns.hand_over
    database._writer._turns.hand_over = (  # type: ignore[method-assign]  # to come right after it
        lambda: original() and cancel_once_it_was_given()
    )
    held.let_go.set()
    async with asyncio.timeout(20):
        found = await asyncio.gather(first, late, after, return_exceptions=True)

    assert [type(one) for one in found] == [type(None), asyncio.CancelledError, type(None)]
    assert await written(database) == ["0", "2"]


async def test_who_is_in_a_hurry_goes_first(database: Database) -> None:
    order: list[str] = []

    async def one(name: str, patience: float | None) -> None:
        async with database.write(patience):
            order.append(name)

    await after_one(database, one("job", None), one("person", 30), one("job", None), one("person", 30))
    assert order == ["person", "person", "job", "job"]


async def test_jobs_are_woken_once_it_is_committed(database: Database, commits: list[str]) -> None:
    class Waker(RecordingWaker):
        def committed(self, wake_ups: list[Any]) -> None:
            assert commits
            super().committed(wake_ups)

    database.waker = waker = Waker()
    await after_one(database, write(database, "1"), write(database, "2"))
    assert [wake_up.key for wake_up in waker.heard] == [1, 2]
    assert waker.deferred == waker.heard


async def test_a_job_that_cannot_be_queued_leaves_nothing_written(database: Database) -> None:
    class Broken(RecordingWaker):
        async def defer(self, connection: Any, wake_ups: list[Any]) -> None:  # noqa: ARG002 - fixed
            raise ConnectionError("the queue is away")

    database.waker = Broken()
    found = await after_one(database, write(database, "1"))
    assert [type(one) for one in found] == [ConnectionError, ConnectionError]
    assert await written(database) == []


async def test_a_commit_that_is_cancelled_is_not_said_to_be_undone(database: Database) -> None:
    """As when the event loop ends: it may have come through."""

    class Cancelling(RecordingWaker):
        async def defer(self, connection: Any, wake_ups: list[Any]) -> None:  # noqa: ARG002 - fixed
            [committing] = database._writer.committing
            committing.cancel()
            await asyncio.sleep(0)

    database.waker = Cancelling()
    found = await after_one(database, write(database, "1"))
    assert [type(one) for one in found] == [CommitUnclear, CommitUnclear]


@on_postgres
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_all_hear_of_a_commit_that_was_lost(url: str, moment: Any) -> None:
    async with Proxy(url) as proxy:
        database = Database(proxy.url)
        await write(database, "7")
        proxy.cut_next_commit(moment)
        found = await after_one(database, write(database, "1"))
        assert [type(one) for one in found] == [CommitUnclear, CommitUnclear]
        assert await written(database) == (["7"] if moment == "before" else ["0", "1", "7"])
        await database.close()


@on_postgres
async def test_a_connection_that_is_lost_takes_all_parts_with_it(database: Database) -> None:
    async def cut() -> None:
        async with database.write() as transaction:
            own = await transaction.connection.scalar(select(func.pg_backend_pid()))
            async with database.read() as other:
                await other.execute(select(func.pg_terminate_backend(own)))
            await note(transaction, "1")

    found = await after_one(database, cut(), write(database, "2"))

    assert [type(one) for one in found[:1]] == [TogetherLost]
    assert isinstance(found[1], DBAPIError)
    assert found[2] is None
    assert await written(database) == ["2"]
