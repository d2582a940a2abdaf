"""Whether there is room to write, for whoever watches the process.

Nothing is written to find out while all is well: where the file is on this machine, its disk tells. For all
that it does not tell, and for a server elsewhere, the last write does: if it failed for want of room, another
one is tried now and then, so that it is noticed when there is room again.
"""

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sqlalchemy import make_url

from creditbot.domain.errors import MaybeTaken, NotTaken

from .database import Database
from .deliveries import leave_no_trace
from .engines import is_postgres

LEAST = 4 * 1024 * 1024
"""Bytes without which a disk counts as full: SQLite's log alone may need so many."""

AGAIN = 5.0
"""Seconds between two tries to write, after one that failed."""

FULL = "the disk with the database is full"


class Room:
    """A check for `Probes`."""

    def __init__(self, url: str, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = None if is_postgres(url) else Path(make_url(url).database or "").absolute()
        self._database = database
        self._clock = clock
        self._try_at = 0.0

    async def __call__(self) -> str | None:
        if self._path is not None and (trouble := _of_a_file(self._path)):
            return trouble
        if self._database.unwritable is not None and self._clock() >= self._try_at:
            self._try_at = self._clock() + AGAIN
            with suppress(NotTaken, MaybeTaken):
                await self._database.for_person(leave_no_trace)
                self._database.unwritable = None
        why = self._database.unwritable
        return None if why is None else f"the database can't be written to: {why}"


def _of_a_file(path: Path) -> str | None:
    try:
        if shutil.disk_usage(path.parent).free < LEAST:
            return FULL
    except OSError as error:
        return f"the folder of the database can't be looked at: {error.strerror}"
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return "the database's file and its folder can't both be written to"
    return None
