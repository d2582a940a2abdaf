"""The jobs, as one registry finds them, and what is due of several kinds of work."""

import sys
from pathlib import Path

import pytest
from sqlalchemy import select

import creditbot.jobs
from creditbot.jobs import JOBS, Job
from creditbot.store.tables import requests
from creditbot.store.work import Due, Queue, WakeUp, Work

SAMPLE = '''
"""Counting requests that have expired, as a sample of a job."""

from creditbot.jobs.job import Job
from creditbot.store.work import Queue, Work
from creditbot.store.tables import requests
from sqlalchemy import select

async def count(key):
    pass

JOB = Job(Work("count", Queue.UPKEEP, (select(requests.c.id),)), lambda parts: count)
'''


def test_a_module_with_a_job_is_all_that_a_new_job_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "count.py").write_text(SAMPLE)
    monkeypatch.setattr(creditbot.jobs, "__path__", [*creditbot.jobs.__path__, str(tmp_path)])

    found = creditbot.jobs.find()

    assert {job.work.name for job in found} == {job.work.name for job in JOBS} | {"count"}
    sys.modules.pop("creditbot.jobs.count")


def test_every_job_has_a_name_of_its_own_and_people_are_told_last() -> None:
    names = [job.work.name for job in JOBS]
    assert len(set(names)) == len(names) >= 8
    queues = [job.work.queue for job in JOBS]
    assert queues == sorted(queues, key=[Queue.UPKEEP, Queue.SENDGRID, Queue.SLACK].index)


def test_two_jobs_cannot_be_on_the_same_work() -> None:
    twice = Work("twice", Queue.UPKEEP, (select(requests.c.id),))
    with pytest.raises(ValueError, match="two are named twice"):
        Due([twice, Work("twice", Queue.SLACK, (select(requests.c.id),))])


def test_a_wake_up_reads_as_its_work_and_its_key() -> None:
    job: Job = JOBS[0]
    assert str(WakeUp(job.work, 7)) == f"{job.work.name} 7"
