"""The jobs in PostgreSQL: bound to commits, taken by one worker, and outliving workers and servers."""

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from functools import partial

import psycopg
import pytest
import structlog
from sqlalchemy import create_engine, make_url, text

from creditbot.jobs import JOBS
from creditbot.runners import procrastinate as queue
from creditbot.runners.embedded import Run
from creditbot.runners.procrastinate import ProcrastinateQueue, ProcrastinateRunner, conninfo, lock_of
from creditbot.runners.schema import queue_of
from creditbot.store.database import AWAY, CommitUnclear, Database, Waker
from creditbot.store.work import Queue, WakeUp, Work
from tests.postgres import PostgresServer

from .adapters import ALL_JOBS, wake_up
from .conftest import on_postgres
from .test_runner import running

HANGS = """
import asyncio, sys
from creditbot.runners.procrastinate import ProcrastinateRunner
from creditbot.store.work_on_requests import APPLY

async def hang(key):
    print("begun", key, flush=True)
    await asyncio.Event().wait()

async def nothing():
    return []

asyncio.run(ProcrastinateRunner(sys.argv[1], {APPLY: hang}, nothing).run())
"""

QUEUE_IS_AWAY = "The job queue can't be reached; trying again"


class Noted:
    """Jobs that note what becomes of them; those with a gate wait for it to open."""

    def __init__(self) -> None:
        self.begun = Counter[WakeUp]()
        self.done = Counter[WakeUp]()
        self.cancelled = Counter[WakeUp]()
        self.at_once = Counter[WakeUp]()
        self.most_at_once = Counter[WakeUp]()
        self.gates: dict[str, asyncio.Event] = {}

    def jobs(self) -> Mapping[Work, Run]:
        return {job.work: partial(self._run, job.work.name) for job in JOBS}

    async def _run(self, name: str, key: int) -> None:
        me = wake_up(name, key)
        self.begun[me] += 1
        self.at_once[me] += 1
        self.most_at_once[me] = max(self.most_at_once[me], self.at_once[me])
        try:
            await (self.gates[name].wait() if name in self.gates else asyncio.sleep(0.01))
        except asyncio.CancelledError:
            self.cancelled[me] += 1
            raise
        else:
            self.done[me] += 1
        finally:
            self.at_once[me] -= 1


@pytest.fixture
def work() -> Noted:
    return Noted()


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """As a process has it that does no jobs itself."""
    database = Database(url, ProcrastinateQueue(url))
    yield database
    await database.close()


async def nothing_due() -> list[WakeUp]:
    """So that only what was deferred can run."""
    return []


def runner_of(url: str, work: Noted) -> ProcrastinateRunner:
    return ProcrastinateRunner(url, work.jobs(), nothing_due)


async def defer(database: Database, *wake_ups: WakeUp) -> None:
    async with database.write() as transaction:
        transaction.wake_ups += wake_ups


async def defer_until_taken(database: Database, wake_up: WakeUp) -> None:
    """While the server comes back."""
    while True:
        try:
            await defer(database, wake_up)
        except (*AWAY, CommitUnclear):
            await asyncio.sleep(0.1)
        else:
            return


async def until(condition: Callable[[], object], limit: float = 60) -> None:
    async with asyncio.timeout(limit):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other processes too
            await asyncio.sleep(0.02)


def rows(url: str) -> dict[str, int]:
    """How much each of the queue's tables holds."""
    engine = create_engine(url)
    with engine.connect() as connection:
        names = ("jobs", "events", "periodic_defers", "workers")
        found = {
            name: int(connection.scalar(text(f"SELECT count(*) FROM procrastinate_{name}")) or 0)  # noqa: S608 - our names
            for name in names
        }
    engine.dispose()
    return found


def jobs_of(url: str, task: str) -> list[str]:
    """The states of what the queue holds of a task."""
    engine = create_engine(url)
    with engine.connect() as connection:
        query = text("SELECT status FROM procrastinate_jobs WHERE task_name = :task")
        found = [str(status) for status in connection.scalars(query, {"task": task})]
    engine.dispose()
    return found


APPLY, DELIVER, EXPIRE = (wake_up(name, 1) for name in ("apply", "deliver", "expire"))


@on_postgres
async def test_a_job_runs_after_the_commit_that_calls_for_it_and_never_after_a_rollback(
    database: Database, url: str, work: Noted
) -> None:
    waker = database.waker
    assert waker is not None

    async def fail() -> None:
        async with database.write() as transaction:
            await waker.defer(transaction.connection, [wake_up("deliver", 13)])
            raise ZeroDivisionError

    async with running(runner_of(url, work)):
        with pytest.raises(ZeroDivisionError):
            await fail()
        await defer(database, DELIVER, EXPIRE)
        await until(lambda: work.done[DELIVER] and work.done[EXPIRE])

    assert work.begun == {DELIVER: 1, EXPIRE: 1}


@on_postgres
async def test_what_is_called_for_twice_in_one_transaction_is_queued_once(
    database: Database, url: str
) -> None:
    await defer(database, DELIVER, EXPIRE, DELIVER)
    await defer(database)

    assert rows(url)["jobs"] == 2


@on_postgres
async def test_of_two_workers_one_does_each_job_and_none_beside_another_of_its_kind(
    database: Database, url: str, work: Noted
) -> None:
    wake_ups = [wake_up(name, key) for name in ALL_JOBS for key in range(5)]

    work.gates = {name: asyncio.Event() for name in ALL_JOBS}

    async with running(runner_of(url, work)), running(runner_of(url, work)):
        for _ in range(3):
            await defer(database, *wake_ups)
        await until(lambda: work.begun.total() >= len(wake_ups))
        await asyncio.sleep(0.5)  # in which a second of a kind could begin
        for gate in work.gates.values():
            gate.set()
        await until(lambda: work.done.total() >= 3 * len(wake_ups))

    assert work.done == dict.fromkeys(wake_ups, 3)
    assert set(work.most_at_once.values()) == {1}


@on_postgres
async def test_a_job_that_fails_is_tried_again_until_it_succeeds(
    database: Database, url: str, work: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "wait", lambda _times, _error: 0)
    tries = Counter[int]()

    async def deliver(key: int) -> None:
        tries[key] += 1
        if tries[key] < 7:
            raise RuntimeError("a fault in a job")

    runner = ProcrastinateRunner(url, {**work.jobs(), DELIVER.work: deliver}, nothing_due)
    async with running(runner):
        await defer(database, DELIVER)
        await until(lambda: tries[1] == 7)
        await defer(database, EXPIRE)
        await until(lambda: work.done[EXPIRE])

    assert tries == {1: 7}
    assert jobs_of(url, "creditbot.deliver") == []


@on_postgres
async def test_jobs_that_hang_at_sendgrid_hold_up_no_card_and_no_notice(
    database: Database, url: str, work: Noted
) -> None:
    work.gates["apply"] = asyncio.Event()
    many = [wake_up("apply", key) for key in range(queue.AT_ONCE + 5)]

    async with running(runner_of(url, work)):
        await defer(database, *many)
        await until(lambda: work.begun.total() >= queue.AT_ONCE)
        await defer(database, DELIVER, EXPIRE)
        await until(lambda: work.done[DELIVER] and work.done[EXPIRE])
        assert sum(work.begun[wake_up] for wake_up in many) == queue.AT_ONCE
        work.gates["apply"].set()
        await until(lambda: all(work.done[wake_up] for wake_up in many))


@on_postgres
async def test_the_sweep_queues_what_is_due_and_in_no_queue(
    database: Database, url: str, work: Noted
) -> None:
    work.gates["apply"] = asyncio.Event()

    async def due() -> list[WakeUp]:
        return [wake_up for wake_up in (APPLY, DELIVER) if not work.done[wake_up]]

    async with running(ProcrastinateRunner(url, work.jobs(), due)):
        await until(lambda: work.done[DELIVER] and work.begun[APPLY])
        swept = await periodic(url)
        while await periodic(url) < swept + 3:  # noqa: ASYNC110 - three more sweeps, which find it running
            await asyncio.sleep(0.1)
        assert jobs_of(url, "creditbot.apply") == ["doing"]
        work.gates["apply"].set()
        await until(lambda: work.done[APPLY])

    assert work.begun == {APPLY: 1, DELIVER: 1}


@on_postgres
async def test_the_sweep_queues_nothing_that_ended_while_it_looked(url: str, work: Noted) -> None:
    looks = Counter[str]()

    async def due() -> list[WakeUp]:
        looks["all"] += 1
        return [DELIVER] if looks["all"] == 1 else [EXPIRE]

    async with running(ProcrastinateRunner(url, work.jobs(), due)):
        await until(lambda: work.done[EXPIRE])

    assert work.begun[DELIVER] == 0


@on_postgres
async def test_a_worker_of_another_version_of_the_tables_and_one_of_this_have_nothing_to_do_with_each_other(
    url: str, work: Noted
) -> None:
    """A worker that a migration has left behind could send a change whose outcome it can't write down."""

    async def due() -> list[WakeUp]:
        return [] if work.done[APPLY] else [APPLY]

    async with await psycopg.AsyncConnection.connect(conninfo(url)) as connection:
        older = {"queue": "sendgrid", "lock": "apply 1"}
        await connection.execute(LEFT_DOING, {"key": 1, **older})
    async with running(ProcrastinateRunner(url, work.jobs(), due)):
        await until(lambda: work.done[APPLY])
        while jobs_of(url, "creditbot.apply") != ["todo"]:  # noqa: ASYNC110 - others write it
            await asyncio.sleep(0.05)

    assert work.begun == {APPLY: 1}


async def periodic(url: str) -> int:
    """The second of the latest sweep."""
    async with await psycopg.AsyncConnection.connect(conninfo(url)) as connection:
        found = await connection.execute(
            "SELECT coalesce(max(defer_timestamp), 0) FROM procrastinate_periodic_defers "
            "WHERE task_name LIKE 'creditbot.sweep %'"
        )
        row = await found.fetchone()
    assert row is not None
    return int(row[0])


@on_postgres
async def test_jobs_outlive_the_cutting_of_every_connection(
    database: Database, url: str, work: Noted
) -> None:
    work.gates["apply"] = asyncio.Event()

    async with running(runner_of(url, work)):
        await defer(database, APPLY)
        await until(lambda: work.begun[APPLY])
        for key in (2, 3):
            async with await psycopg.AsyncConnection.connect(conninfo(url)) as connection:
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            await defer_until_taken(database, wake_up("deliver", key))
            await until(lambda key=key: work.done[wake_up("deliver", key)])  # type: ignore[misc]  # bound at once
        work.gates["apply"].set()
        await until(lambda: work.done[APPLY])

    assert not work.cancelled


@pytest.mark.lasts
@pytest.mark.parametrize("mode", ["fast", "immediate", "away"])
async def test_jobs_outlive_a_restart_of_the_server(
    own_server: PostgresServer, work: Noted, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "FINISH", 0.5)  # so that a worker that lost its database gives up soon
    url = own_server.driver_url(await asyncio.to_thread(own_server.create_migrated))
    database = Database(url, ProcrastinateQueue(url))
    work.gates["apply"] = asyncio.Event()

    async with running(runner_of(url, work)):
        await defer(database, APPLY)
        await until(lambda: work.begun[APPLY])
        if mode == "away":
            with structlog.testing.capture_logs() as logs:
                await asyncio.to_thread(own_server.stop)
                await until(lambda: QUEUE_IS_AWAY in [entry["event"] for entry in logs])
            await asyncio.to_thread(own_server.start)
        else:
            await asyncio.to_thread(own_server.restart, "fast" if mode == "fast" else "immediate")
        await defer_until_taken(database, DELIVER)
        await until(lambda: work.done[DELIVER])
        assert not work.cancelled
        work.gates["apply"].set()
        await until(lambda: work.done[APPLY])
        await defer(database, EXPIRE)
        await until(lambda: work.done[EXPIRE])
    await database.close()

    assert not work.cancelled


@pytest.mark.lasts
@on_postgres
async def test_a_job_whose_worker_was_killed_is_done_by_another(
    database: Database, url: str, work: Noted
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HANGS, url, stdout=asyncio.subprocess.PIPE
    )
    await defer(database, APPLY)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"begun 1\n"
    process.send_signal(signal.SIGKILL)
    await process.wait()

    async with running(runner_of(url, work)):
        await until(lambda: work.done[APPLY])

    assert work.begun == {APPLY: 1}


@on_postgres
async def test_stopping_cancels_what_does_not_finish_and_leaves_it_to_be_taken_up_again(
    database: Database, url: str, work: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "FINISH", 0.1)
    monkeypatch.setattr(queue, "wait", lambda _times, _error: 0)
    work.gates["apply"] = asyncio.Event()

    async with running(runner_of(url, work)):
        await defer(database, APPLY)
        await until(lambda: work.begun[APPLY])
    assert (work.begun, work.done, work.cancelled) == ({APPLY: 1}, {}, {APPLY: 1})
    assert (jobs_of(url, "creditbot.apply"), rows(url)["workers"]) == (["todo"], 0)
    await defer(database, DELIVER)
    await asyncio.sleep(0.5)
    assert work.begun == {APPLY: 1}

    del work.gates["apply"]
    async with running(runner_of(url, work)):
        await until(lambda: work.done[APPLY] and work.done[DELIVER])


@on_postgres
async def test_stopping_lets_what_runs_finish_and_acknowledges_it(
    database: Database, url: str, work: Noted
) -> None:
    work.gates["apply"] = asyncio.Event()

    async with running(runner_of(url, work)):
        await defer(database, APPLY)
        await until(lambda: work.begun[APPLY])
        asyncio.get_running_loop().call_later(0.5, work.gates["apply"].set)

    assert (work.done, work.cancelled) == ({APPLY: 1}, {})
    assert (jobs_of(url, "creditbot.apply"), rows(url)["workers"]) == ([], 0)


@on_postgres
async def test_stopping_before_anything_has_started_ends_at_once(url: str, work: Noted) -> None:
    runner = runner_of(url, work)
    await runner.stop()

    async with asyncio.timeout(60):
        await runner.run()

    assert rows(url)["workers"] == 0


@on_postgres
async def test_stopping_waits_for_no_server_that_is_away(url: str, work: Noted) -> None:
    nowhere = make_url(url).update_query_dict({"host": "/nowhere"}).render_as_string(hide_password=False)
    runner = runner_of(nowhere, work)
    run = asyncio.create_task(runner.run())
    await asyncio.sleep(0)  # it has begun to connect, and would go on for half a minute

    await runner.stop()

    async with asyncio.timeout(20):
        await run


@on_postgres
async def test_the_queues_tables_do_not_grow_with_the_work_that_is_done(
    database: Database, url: str, work: Noted
) -> None:
    async with running(runner_of(url, work)):
        begun = await periodic(url)
        for turn in range(10):
            await defer(database, *(wake_up(name, turn) for name in ALL_JOBS))
        await until(lambda: work.done.total() == 10 * len(ALL_JOBS))
        while await periodic(url) < begun + 3:  # noqa: ASYNC110 - a few sweeps besides
            await asyncio.sleep(0.1)

    left = rows(url)
    assert left["jobs"] <= 2  # a sweep and a rescue that nobody has taken yet
    assert left["events"] <= 2 * left["jobs"]
    assert left["periodic_defers"] <= 2
    assert left["workers"] == 0


def test_the_queue_is_a_waker() -> None:
    waker: Waker = ProcrastinateQueue("postgresql+psycopg://nobody@/nothing?host=nowhere")
    waker.committed([])


LEFT_DOING = """
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args)
VALUES (%(queue)s, 'creditbot.apply', %(lock)s, jsonb_build_object('key', %(key)s::int))
RETURNING id
"""

NOT_THIS_ONE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'this job has just ended'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON procrastinate_jobs FOR EACH ROW
    WHEN (OLD.lock LIKE 'apply 1 %' AND OLD.status = 'doing') EXECUTE FUNCTION refuse();
"""


def left(key: int) -> dict[str, str]:
    """As `ProcrastinateQueue` queues it."""
    return {"queue": queue_of(Queue.SENDGRID), "lock": lock_of(wake_up("apply", key))}


async def leave_doing(url: str, key: int, seconds: float) -> None:
    """A job that one of the living workers has begun that long ago, and whose end stands nowhere."""
    async with await psycopg.AsyncConnection.connect(conninfo(url)) as connection:
        job = await (await connection.execute(LEFT_DOING, {"key": key, **left(key)})).fetchone()
        assert job is not None
        await connection.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', "
            "worker_id = (SELECT min(id) FROM procrastinate_workers) WHERE id = %s",
            job,
        )
        begun = await connection.execute(
            "UPDATE procrastinate_events SET at = now() - make_interval(secs => %s) "
            "WHERE job_id = %s AND type = 'started'",
            (seconds, *job),
        )
        assert begun.rowcount == 1


@on_postgres
async def test_a_job_of_a_living_worker_whose_end_was_not_written_down_is_done_once_more(
    database: Database, url: str, work: Noted
) -> None:
    async with running(runner_of(url, work)):
        await until(lambda: rows(url)["workers"] == len(Queue))
        await leave_doing(url, 2, queue.OVERLONG / 2)
        await leave_doing(url, 1, queue.OVERLONG + 1)
        await until(lambda: work.done[APPLY])
        await defer(database, APPLY)  # its lock is free again
        await until(lambda: work.done[APPLY] == 2)
        # The one half as old stays as it is; the others end a moment after their work.
        await until(lambda: jobs_of(url, "creditbot.apply") == ["doing"])

    assert work.begun == {APPLY: 2}


@on_postgres
async def test_a_job_that_cannot_be_taken_up_keeps_no_other_from_it(url: str, work: Noted) -> None:
    async with running(runner_of(url, work)):
        await until(lambda: rows(url)["workers"] == len(Queue))
        async with await psycopg.AsyncConnection.connect(conninfo(url)) as connection:
            await connection.execute(NOT_THIS_ONE)
        for key in (1, 2):
            await leave_doing(url, key, queue.OVERLONG + 1)
        await until(lambda: work.done[wake_up("apply", 2)])

    assert work.begun == {wake_up("apply", 2): 1}


@on_postgres
async def test_a_worker_that_is_stopped_while_it_begins_ends_though_its_driver_loses_the_cancellation(
    url: str, work: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = runner_of(url, work)
    register, registering = runner.app.job_manager.register_worker, asyncio.Event()

    async def registered_meanwhile() -> int:
        registering.set()
        task = asyncio.current_task()
        while task is not None and not task.cancelling():
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.02)
        return await register()

    monkeypatch.setattr(runner.app.job_manager, "register_worker", registered_meanwhile)
    run = asyncio.create_task(runner.run())
    await registering.wait()

    await runner.stop()

    async with asyncio.timeout(30):
        await run
