"""The bot, with a note of each transaction that holds the write lock: what it is for, and for how long.

`python -m tests.bench.counted serve` is `creditbot serve`, and writes a line of JSON for each to the folder
in which it runs. It listens to what goes to the database, and so knows nothing of how the code is built:
SQLite's lock is taken by BEGIN IMMEDIATE, PostgreSQL's by pg_advisory_xact_lock.
"""

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import greenlet  # type: ignore[import-untyped]  # it brings no types, and comes with SQLAlchemy
from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect

from creditbot.cli import main

TAKES_LOCK = re.compile(r"BEGIN IMMEDIATE|pg_advisory_xact_lock")

OUTER = (
    "creditbot.operations",
    "creditbot.jobs",
    "creditbot.bootstrap",
    "creditbot.slack",
    "creditbot.runners",
)
"""Where what is written has a name that says what it is for."""


@dataclass
class Held:
    """`waited` and `held` are in seconds."""

    name: str
    waited: float
    held: float = 0.0
    statements: int = 0
    committed: bool = False

    def note(self) -> None:
        self.statements += 1
        if self.name == "?":  # what begins the transaction may do so in another thread
            self.name = purpose()


def callers(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def parent_frame() -> FrameType | None:
    """Where it goes on that has called this greenlet, if this is one: the driver's calls run in one."""
    parent = greenlet.getcurrent().parent
    frame: FrameType | None = None if parent is None else parent.gr_frame
    return frame


def purpose() -> str:
    """The function of the bot for which this is done."""
    for frame in callers(parent_frame() or sys._getframe()):
        work = frame.f_locals.get("work")
        name = getattr(work, "__qualname__", frame.f_code.co_qualname)
        module = getattr(work, "__module__", frame.f_globals.get("__name__", ""))
        if module.startswith(OUTER):
            return f"{module.removeprefix('creditbot.')}: {name.replace('.<locals>', '')}"
    return "?"


def keep(path: Path) -> None:
    """Write each transaction that holds the lock to `path` from now on."""

    def before(conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if TAKES_LOCK.search(statement):
            conn.connection.record_info["asked"] = time.perf_counter()

    def after(conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        info, now = conn.connection.record_info, time.perf_counter()
        if TAKES_LOCK.search(statement):
            info["held"] = Held("?", now - info.pop("asked", now))
            info["since"] = now
        elif "held" in info:
            info["held"].note()

    def ended(info: dict[str, Any], *, committed: bool) -> None:
        held = info.pop("held", None)
        if held is None:
            return
        held.held, held.committed = time.perf_counter() - info["since"], committed
        with path.open("a") as file:
            file.write(json.dumps(asdict(held)) + "\n")

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "after_cursor_execute", after)
    for name, committed in (("do_commit", True), ("do_rollback", False)):
        _follow(name, lambda info, committed=committed: ended(info, committed=committed))


def _follow(name: str, then: Any) -> None:
    """The engine's own events come before the commit, during which the lock is held still."""
    original = getattr(DefaultDialect, name)

    def followed(self: DefaultDialect, connection: Any) -> None:
        original(self, connection)
        then(connection.record_info)  # SQLAlchemy's own first connection has no `info`

    type.__setattr__(DefaultDialect, name, followed)


if __name__ == "__main__":
    keep(Path.cwd() / f"locks-{os.getpid()}.jsonl")
    main()
