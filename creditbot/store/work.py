"""Kinds of work that nobody waits for, and what is due of each, read from the tables.

So no wake-up has to be remembered: one only says that it is worth looking.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CompoundSelect, Integer, Select, bindparam, literal_column, select, union_all

from creditbot.registry import named

from .connection import AsyncConnection
from .readable import moments

LIMIT = bindparam("most", type_=Integer())


class Queue(StrEnum):
    """By whom work may be kept waiting, so that a SendGrid that hangs holds up no card and no notice.

    In the order in which work that is due at once is begun: people are told last, of what then holds.
    """

    UPKEEP = "upkeep"
    SENDGRID = "sendgrid"
    SLACK = "slack"


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """One kind of work, each piece of which is a row of some table; its job is in `creditbot.jobs`.

    `due` selects the keys of the rows to which it has come by NOW, those first that have waited most. Each
    query is answered by an index of the few rows to which there is more to come, since it is asked every
    second and after every commit.
    """

    name: str
    queue: Queue
    due: tuple[Select[Any], ...]


@dataclass(frozen=True, slots=True)
class WakeUp:
    """A hint that there is work; the tables say what."""

    work: Work
    key: int

    def __str__(self) -> str:
        return f"{self.work.name} {self.key}"


class Due:
    """What is due of several kinds of work, asked in one statement that is built once."""

    def __init__(self, works: Iterable[Work]) -> None:
        self._works = named((work.name, work) for work in works)
        self.query = _together(self._works.values())

    async def __call__(self, connection: AsyncConnection, now: datetime, limit: int = 200) -> list[WakeUp]:
        """At most `limit` from each query, those first that have waited most."""
        found = await connection.execute(self.query, {**moments(now), "most": limit})
        # A request may have several cards.
        return list(dict.fromkeys(WakeUp(self._works[name], key) for name, key in found))


def _together(works: Iterable[Work]) -> CompoundSelect[Any]:
    parts = []
    for work in works:
        for number, query in enumerate(work.due):
            [key] = query.limit(LIMIT).subquery(f"{work.name}_{number}").c
            parts.append(select(literal_column(f"'{work.name}'"), key))
    return union_all(*parts)
