"""The runner for PostgreSQL: jobs in Procrastinate's queue, deferred in the transaction that calls for them.

Procrastinate delivers, retries, sweeps and takes up what a dead worker has left. It never decides whether
a PATCH is sent: a job that it runs twice finds the state and does nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import procrastinate
import procrastinate.exceptions
import psycopg
import structlog
from procrastinate.jobs import Job as QueuedJob
from procrastinate.jobs import Status
from procrastinate.worker import Worker
from psycopg.conninfo import make_conninfo
from sqlalchemy.exc import SQLAlchemyError

from creditbot.domain.errors import WrongLedgerKey
from creditbot.store.connection import AsyncConnection
from creditbot.store.database import CommitUnclear
from creditbot.store.postgres import UNPREPARED, connection_parameters
from creditbot.store.tables import SCHEMA_VERSION
from creditbot.store.work import Queue, WakeUp, Work

from .embedded import Run
from .faults import Faults, wait
from .schema import queue_of

AT_ONCE = 25
"""Jobs of one queue in one process."""

POLLING = 1.0
"""Seconds after which a worker looks for jobs of which it was not notified."""

HEARTBEAT, STALLED = 2.0, 10.0
"""Seconds: how often a worker says that it lives, and after how long without it its jobs go to others."""

OVERLONG = 90.0
"""Seconds after which a job counts as over whose end was not written down, though its worker lives."""

STARTED_LONG_AGO = """
SELECT job.id FROM procrastinate_jobs job JOIN procrastinate_events event ON event.job_id = job.id
WHERE job.status = 'doing' AND event.type = 'started'
GROUP BY job.id HAVING max(event.at) < now() - make_interval(secs => %(seconds)s)
"""

QUEUED = """
SELECT lock FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND lock = ANY(%(locks)s::text[])
"""

EVERY_SECOND, EVERY_FIVE_SECONDS = "* * * * * *", "* * * * * */5"

PATIENCE = 2.0
"""Seconds that the queue gets to answer whoever asks whether it can be reached."""

FINISH = 5.0
"""Seconds that running jobs get to finish when the process is asked to stop."""

AWAY = (procrastinate.exceptions.ConnectorException, psycopg.Error, SQLAlchemyError, CommitUnclear, OSError)

log = structlog.get_logger(__name__)


class Growing(procrastinate.BaseRetryStrategy):
    """A job that failed for a reason that nobody foresaw is tried again, ever later.

    It has an end where the job has one: those on requests count in the tables how often they have begun.
    """

    def get_retry_decision(self, *, exception: BaseException, job: QueuedJob) -> procrastinate.RetryDecision:
        return procrastinate.RetryDecision(retry_in={"seconds": round(wait(job.attempts + 1, exception))})


class ProcrastinateQueue:
    """Puts jobs into the queue; a process that does no jobs itself needs no more."""

    def __init__(self, url: str) -> None:
        self._connector = procrastinate.PsycopgConnector(
            conninfo=conninfo(url),
            kwargs=UNPREPARED,
            min_size=1,
            max_size=4,
            timeout=5,
            reconnect_timeout=5,
        )
        self.app = procrastinate.App(connector=self._connector)

    async def defer(self, connection: AsyncConnection, wake_ups: list[WakeUp]) -> None:
        if not wake_ups:
            return
        raw = (await connection.get_raw_connection()).driver_connection
        jobs = [self._job(wake_up) for wake_up in dict.fromkeys(wake_ups)]
        try:
            await self.app.job_manager.batch_defer_jobs_async(jobs, connection=raw)
        except procrastinate.exceptions.ConnectorException as error:
            raise ConnectionError(why(error)) from error  # as the store's callers know it

    def committed(self, wake_ups: list[WakeUp]) -> None:
        """Nothing to do: the commit itself notifies the workers."""

    def _job(self, wake_up: WakeUp) -> QueuedJob:
        return self.app.configure_task(
            _task(wake_up.work),
            queue=queue_of(wake_up.work.queue),
            lock=lock_of(wake_up),
            task_kwargs={"key": wake_up.key},
        ).job


class ProcrastinateRunner(ProcrastinateQueue):
    """A worker for each queue, in this process; any number of processes may run them."""

    def __init__(
        self, url: str, jobs: Mapping[Work, Run], due: Callable[[], Awaitable[list[WakeUp]]]
    ) -> None:
        super().__init__(url)
        self._due = due
        self._stopping = asyncio.Event()
        self._opening: asyncio.Task[procrastinate.App] | None = None
        self._useless: WrongLedgerKey | None = None
        self._faults = Faults()
        self._workers: dict[asyncio.Task[None], Worker] = {}
        self._workers_run = False
        self._running: set[asyncio.Task[None]] = set()
        for work, run in jobs.items():
            self.app.task(name=_task(work), queue=queue_of(work.queue), retry=Growing())(
                self._shielded(work, run)
            )
        self._every(EVERY_SECOND, "sweep", self._sweep)
        self._every(EVERY_FIVE_SECONDS, "rescue", self._rescue)

    def _every(self, cron: str, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Have one of all workers do `work`; a second is not queued while the first waits."""

        async def tick(timestamp: int) -> None:
            del timestamp
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - Procrastinate's own log is silent, and the next may do
                self._faults.failed(name, error)
            else:
                self._faults.succeeded(name)

        task = self.app.task(
            name=f"creditbot.{name} {SCHEMA_VERSION}",
            queue=queue_of(Queue.UPKEEP),
            queueing_lock=f"{name} {SCHEMA_VERSION}",
        )(tick)
        self.app.periodic(cron=cron)(task)

    def _shielded(self, work: Work, run: Run) -> Callable[[int], Awaitable[None]]:
        """A worker that loses its database cancels what it runs; a call to SendGrid must not end so."""

        async def shielded(key: int) -> None:
            wake_up = WakeUp(work, key)
            task = asyncio.create_task(self._logged(wake_up, run), name=str(wake_up))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            await asyncio.shield(task)

        return shielded

    async def _logged(self, wake_up: WakeUp, run: Run) -> None:
        try:
            await run(wake_up.key)
        except WrongLedgerKey as error:
            self._useless = error
            self._end_workers()
            raise
        except Exception as error:
            self._faults.failed(wake_up, error)
            raise
        self._faults.succeeded(wake_up)

    async def _sweep(self) -> None:
        """Queue what is due and in no queue: what waited for its time, or was lost on the way."""
        due = await self._due()
        if not due:
            return
        locks = [lock_of(wake_up) for wake_up in due]
        found = await self.app.connector.execute_query_all_async(QUEUED, locks=locks)
        queued = {row["lock"] for row in found}
        missing = [wake_up for wake_up in due if lock_of(wake_up) not in queued]
        if not missing:
            return
        # What has ended between the two looks is not in the queue any more, and not due either.
        still_due = set(await self._due())
        jobs = [self._job(wake_up) for wake_up in missing if wake_up in still_due]
        if jobs:
            await self.app.job_manager.batch_defer_jobs_async(jobs)

    async def _rescue(self) -> None:
        """Hand the jobs of dead workers to living ones, and those whose end nobody could write down.

        A job that is run once more finds the state, so one that only takes long is no matter either.
        """
        manager = self.app.job_manager
        stalled = list(await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED))
        late = await self.app.connector.execute_query_all_async(STARTED_LONG_AGO, seconds=OVERLONG)
        ids = {row["id"] for row in late}
        stalled += [job for job in await manager.list_jobs_async(status="doing") if job.id in ids]
        for job in stalled:
            try:
                await self._take_up(job)
            except procrastinate.exceptions.ConnectorException as error:  # it has just ended, perhaps
                log.warning("A job could not be taken up; trying again", lock=job.lock, error=why(error))

    async def _take_up(self, job: QueuedJob) -> None:
        if job.queueing_lock is not None:  # a sweep: the next one is on its way
            await self.app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
            return
        log.warning("A job was left undone; a worker takes it up", job=job.task_name, lock=job.lock)
        await self.app.job_manager.retry_job(job)

    async def run(self) -> None:
        """Work until `stop`; after the database was away, as soon as it is back.

        A process in which no job can write anything down leaves them to others.
        """
        while not self._stopping.is_set():
            if self._useless is not None:
                raise self._useless
            try:
                if await self._opened():
                    await self._work()
            except AWAY as error:
                log.warning("The job queue can't be reached; trying again", error=why(error))
            finally:
                await self.app.close_async()
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._stopping.wait()

    async def _opened(self) -> bool:
        """Connect to the queue, which may take half a minute; False if `stop` came before."""
        self._opening = asyncio.ensure_future(self.app.open_async())
        try:
            await asyncio.wait({self._opening})
        finally:
            self._opening.cancel()
        if self._opening.cancelled():
            return False
        self._opening.result()
        return True

    async def trouble(self) -> str | None:
        """Whether the workers run, and their own connections answer."""
        try:
            if self._workers_run:
                async with asyncio.timeout(PATIENCE):
                    await self._connector.execute_query_one_async("SELECT 1 AS one")
                return None
        except (*AWAY, TimeoutError):
            pass
        return "the job queue can't be reached"

    async def _work(self) -> None:
        """One worker for each queue, until one of them ends."""
        listens = not await self._is_pooled()
        workers = [
            Worker(
                self.app,
                queues=[queue_of(queue)],
                name=queue,
                concurrency=AT_ONCE,
                fetch_job_polling_interval=POLLING,
                listen_notify=listens,
                shutdown_graceful_timeout=FINISH,
                delete_jobs="always",
                install_signal_handlers=False,
                update_heartbeat_interval=HEARTBEAT,
                stalled_worker_timeout=STALLED,
            )
            for queue in Queue
        ]
        self._workers = {asyncio.create_task(worker.run()): worker for worker in workers}
        if self._ending:
            self._end_workers()
        self._workers_run = True
        try:
            await asyncio.wait(self._workers, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._workers_run = False
            self._end_workers()
            ended = await asyncio.gather(*self._workers, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error
        if not self._ending:
            log.warning("A worker of the job queue has ended; starting it again")

    async def _is_pooled(self) -> bool:
        """Whether a pooler stands before the server: what it has connected us to is not what answers.

        Who listens through one may never hear anything, and leaves a connection that listens to others.
        """
        async with self._connector.pool.connection() as connection:
            found = await (await connection.execute("SELECT pg_backend_pid()")).fetchone()
            return found is None or found[0] != connection.info.backend_pid

    @property
    def _ending(self) -> bool:
        return self._stopping.is_set() or self._useless is not None

    def _end_workers(self) -> None:
        """A worker that is to end takes no more jobs, and waits a while for those that it has.

        It is told, and cancelled too: it forgets what it was told before its first step, and its driver may
        lose a cancellation while it registers (asyncio.wait_for does, before Python 3.12). Cancelled once
        more it would wait no longer, and leave its jobs to be found as a dead worker's.
        """
        for task, worker in self._workers.items():
            if not task.cancelling():
                worker.stop()
                task.cancel()

    async def stop(self) -> None:
        """Start nothing more; let what runs finish, then cancel it, so that it records where it stood."""
        self._stopping.set()
        if self._opening is not None:
            self._opening.cancel()
        self._end_workers()
        if self._running:
            await asyncio.wait(self._running, timeout=FINISH)
        late = list(self._running)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=1.5)


def lock_of(wake_up: WakeUp) -> str:
    """Of the jobs with the same lock one runs at a time."""
    return f"{wake_up} {SCHEMA_VERSION}"


def _task(work: Work) -> str:
    return f"creditbot.{work.name}"


def why(error: Exception) -> str:
    """The first line of what the database said; Procrastinate's own errors only wrap it."""
    lines = str(error.__cause__ or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def conninfo(url: str) -> str:
    """SQLAlchemy's address as libpq reads it, the same for the queue as for the store."""
    return make_conninfo("", **connection_parameters(url))
