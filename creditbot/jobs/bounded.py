"""Jobs that come to an end, whatever goes wrong with them."""

from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import Table

from creditbot.domain.errors import WrongLedgerKey
from creditbot.store import runs
from creditbot.store.damage import DamagedRow, mend
from creditbot.store.database import AWAY, CommitUnclear, Database

from .backoff import MOST_RUNS, pause
from .job import GiveUp, Job, Parts, Run

MOST_MENDED = 10
"""Rows that are mended before one run of a job; the next run goes on with others."""

MOST_LOGGED = 10_000
"""Rows whose faults are known to be in the log whole; of those forgotten beyond that, one is once more."""

log = structlog.get_logger(__name__)


def bound(job: Job, parts: Parts, run: Run) -> Run:
    """The same, with an end, and able to get on with damaged rows; each as far as the job declares it."""
    if job.mends:
        run = Mending(run, parts.database, parts.clock).__call__
    if job.end is None:
        return run
    bounded = Bounded(
        job.work.name,
        run,
        job.end.build(parts),
        job.end.table,
        database=parts.database,
        clock=parts.clock,
    )
    return bounded.__call__


class Mending:
    """A job that finds a damaged row has it mended, and goes on."""

    def __init__(self, run: Run, database: Database, clock: Callable[[], datetime]) -> None:
        self._run = run
        self._database = database
        self._clock = clock

    async def __call__(self, key: int) -> None:
        for _ in range(MOST_MENDED):
            try:
                await self._run(key)
            except DamagedRow as damaged:
                async with self._database.write() as transaction:
                    await mend(transaction, damaged, self._clock())
            else:
                return


class Bounded:
    """A job whose faults that nobody foresaw are counted in its row, by all processes together.

    Each time it waits longer; after so many times the row is ended in another way. What a job foresees, it
    ends by itself. A row that is older than this process may be what the one before has died of, so its runs
    are counted before they begin; that of others costs no transaction unless they go wrong.
    """

    def __init__(
        self,
        name: str,
        run: Run,
        give_up: GiveUp,
        table: Table,
        *,
        database: Database,
        clock: Callable[[], datetime],
    ) -> None:
        self._name = name
        self._run = run
        self._give_up = give_up
        self._database = database
        self._table = table
        self._clock = clock
        self._logged: set[int] = set()
        self._newest_before: int | None = None

    async def __call__(self, key: int) -> None:
        counted = await self._is_old(key)
        begun = await (self._begin(key) if counted else self._look(key))
        if begun is None:
            return
        if begun > MOST_RUNS:  # the process has died of the one before, or it could not be ended
            await self._end(key, begun, None)
            return
        try:
            await self._run(key)
        except WrongLedgerKey:
            # This process can do no job; another one can do this one at once.
            if counted:
                async with self._database.write() as transaction:
                    await runs.take_back(transaction, self._table, key)
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it comes to an end here
            self._log(key, begun, error)
            if not counted:
                await self._begin(key)
            if begun == MOST_RUNS:
                await self._end(key, begun, error)
        else:
            self._logged.discard(key)

    async def _is_old(self, key: int) -> bool:
        """Whether it was there when this process first looked."""
        if self._newest_before is None:
            async with self._database.read() as connection:
                self._newest_before = await runs.newest(connection, self._table)
        return key <= self._newest_before

    async def _begin(self, key: int) -> int | None:
        async with self._database.write() as transaction:
            return await runs.begin(transaction, self._table, key, self._clock(), pause)

    async def _look(self, key: int) -> int | None:
        """As if it were counted, though it is not yet."""
        async with self._database.read() as connection:
            begun = await runs.begun(connection, self._table, key, self._clock())
        return None if begun is None else begun + 1

    def _log(self, key: int, begun: int, error: Exception) -> None:
        """With the traceback once, and again at the end."""
        about = {"job": self._name, "key": key, "time": begun, "of": MOST_RUNS}
        if key not in self._logged and not isinstance(error, (*AWAY, CommitUnclear)):
            log.error("A job failed; it will be tried again", **about, exc_info=error)
            if len(self._logged) >= MOST_LOGGED:  # others may have ended what failed here
                self._logged.pop()
            self._logged.add(key)
        else:
            log.warning("A job failed", **about, error=f"{type(error).__name__}: {error}".splitlines()[0])

    async def _end(self, key: int, begun: int, error: Exception | None) -> None:
        self._logged.discard(key)
        about = {"job": self._name, "key": key}
        log.error("A job failed again and again; it is given up", **about, exc_info=error)
        try:
            await self._give_up(key, begun)
        except Exception:
            log.exception("It could not even be given up; trying again later", **about)
