"""What is done without a person waiting.

Each job reads the state and does what it calls for, so that it may run twice, late, or after a crash. A
module of this package that has a `JOB` declares one: what it works on and when that is due, how it is built,
and how it ends. Nothing else has to be told of it.
"""

from collections.abc import Mapping

from creditbot.registry import declared
from creditbot.store.work import Due, Queue, Work

from .bounded import bound
from .job import Job, Parts, Run


def find() -> tuple[Job, ...]:
    """The jobs of all modules, in the order in which what is due at once is begun."""
    found: list[Job] = declared(__name__, __path__, "JOB")
    in_turn = list(Queue)
    return tuple(sorted(found, key=lambda job: in_turn.index(job.work.queue)))


JOBS = find()

due = Due(job.work for job in JOBS)
"""What is due of all of them."""


def build(parts: Parts) -> Mapping[Work, Run]:
    """How each kind of work is done, until it comes to an end."""
    return {job.work: bound(job, parts, job.build(parts)) for job in JOBS}


__all__ = ["JOBS", "Job", "Parts", "Run", "build", "due", "find"]
