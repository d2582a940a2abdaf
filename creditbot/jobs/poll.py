"""Reading every subuser's credits, a few at a time, for whoever judges them."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from creditbot.domain.drift import Snapshot
from creditbot.domain.evidence import Reading
from creditbot.domain.markup import without_markup
from creditbot.sendgrid.client import SendGrid
from creditbot.sendgrid.names import subuser_header
from creditbot.sendgrid.problems import SendGridProblem
from creditbot.store.types import storable

from .reading import read_credits

AT_A_TIME = 100
"""Subusers that are read in one round, and written down together."""

READERS = 4
"""Calls to SendGrid under way at once."""

LONG_ENOUGH = timedelta(seconds=20)
"""How long one round goes on reading, however slowly SendGrid answers: then it writes down what it has."""

ENOUGH_REFUSED = 5
"""Subusers that SendGrid refuses to tell of, before it has told of any: then it is the key, and not they."""

UNREADABLE, GONE = Reading(None, None, None), Reading("gone", None, None)

log = structlog.get_logger(__name__)


@dataclass
class Round:
    """What one round has read. `problem` ended it early, `refusal` is about single subusers."""

    taken: list[Snapshot] = field(default_factory=list)
    left: set[str] = field(default_factory=set)
    problem: SendGridProblem | None = None
    refusal: SendGridProblem | None = None

    @property
    def only_refused(self) -> bool:
        return len(self.taken) >= ENOUGH_REFUSED and not any(snapshot.readable for snapshot in self.taken)


class Poll:
    """Reads some of the subusers that were not read yet; what nobody waits for leaves SendGrid to people."""

    def __init__(self, sendgrid: SendGrid, clock: Callable[[], datetime]) -> None:
        self._sendgrid = sendgrid.unhurried()
        self._clock = clock

    async def __call__(self, known: set[str]) -> Round:
        """Read others than those `known`, as many as one round takes."""
        found = Round()
        try:
            names = await self._sendgrid.usernames()
        except SendGridProblem as problem:
            found.problem = problem
            return found
        found.left = {name for name in names if storable(name) not in known}
        waiting = iter(sorted(found.left)[:AT_A_TIME])
        until = self._clock() + LONG_ENOUGH
        await asyncio.gather(*(self._read_each(waiting, found, until) for _ in range(READERS)))
        found.left -= {snapshot.subuser for snapshot in found.taken}
        return found

    async def _read_each(self, names: Iterator[str], found: Round, until: datetime) -> None:
        while found.problem is None and (at := self._clock()) < until:
            name = next(names, None)
            if name is None:
                return
            try:
                _, reading = await read_credits(self._sendgrid, subuser_header(name))
            except SendGridProblem as problem:
                if problem.passing:
                    found.problem = problem
                    return
                reading = GONE if problem.no_such_user else UNREADABLE
                if reading is UNREADABLE:
                    found.refusal = problem
                    log.warning(
                        "A balance can't be read", subuser=name, error=without_markup(problem.sentence)
                    )
            except ValueError as error:  # a name that is no part of a path, or of a header
                log.warning("A balance can't be asked for", subuser=name, error=str(error))
                reading = UNREADABLE
            found.taken.append(Snapshot(name, at, reading))
            if found.refusal is not None and found.only_refused:
                found.problem = found.refusal
