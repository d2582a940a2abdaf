"""While SendGrid or Slack is asked, which may take long, no lock is held: every process can write."""

import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from datetime import time, timedelta
from inspect import iscoroutinefunction
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from creditbot.domain.commands import ShowBalance
from creditbot.domain.policy import Policy, Reminders, Tier
from creditbot.domain.requests import Status
from creditbot.domain.who import Actor, Roster, Who
from creditbot.elapsed import boottime
from creditbot.jobs.messenger import Messenger
from creditbot.operations import Delivery, Names, activate_policy, move_cards
from creditbot.sandbox.sendgrid import Call, SendGridSandbox
from creditbot.sandbox.sendgrid.changes import Change
from creditbot.store.engines import is_postgres
from creditbot.store.postgres import WRITE_LOCK

from .adapters import ALL_JOBS, ANN, ASKER, BEN, Bot, Clock, Listed, RecordingMessenger
from .conftest import StartBot

GROUP = "S0FINANCE"

ROSTER = Roster({GROUP: frozenset({ANN, BEN})})

POLICY = Policy(
    tiers=(Tier("all", Who.of([ANN, BEN, GROUP])),),
    may_ask=Who.of([ASKER]),
    may_see=Who.of([ASKER]),
    reminders=Reminders(after=(timedelta(hours=1),)),
    digest=time(9),
    drift=time(8),
)

MESSENGER = tuple(name for name, of in vars(Messenger).items() if iscoroutinefunction(of))
"""What jobs ask of Slack."""

OPEN = text(
    "SELECT state || ': ' || query FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
)
LOCKED = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
FREE = text("SELECT pg_try_advisory_xact_lock(:key)")


class Onlooker:
    """Another process, which looks at each call that is made outside, before that is answered.

    It does not wait for anything, and nothing else goes on while it looks.
    """

    def __init__(self, url: str) -> None:
        self.called: Counter[str] = Counter()
        self.faults: list[str] = []
        self._url = make_url(url)
        self._engine: Engine | None = create_engine(url) if is_postgres(url) else None

    def look(self, call: str) -> None:
        self.called[call] += 1
        self.faults += [f"{call}: {fault}" for fault in self._in_the_way()]

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()

    def _in_the_way(self) -> list[str]:
        if self._engine is None:
            with closing(sqlite3.connect(str(self._url.database), timeout=0, isolation_level=None)) as other:
                try:
                    other.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError as error:
                    return [str(error)]
                other.execute("ROLLBACK")
                return []
        with self._engine.connect() as connection:
            found = [str(query) for query in connection.execute(OPEN).scalars()]
            if locks := connection.execute(LOCKED).scalar_one():
                found.append(f"{locks} advisory locks are held")
            if not connection.execute(FREE, {"key": WRITE_LOCK}).scalar_one():
                found.append("another can't write")
            return found


@pytest.fixture
def onlooker(url: str, sandbox: SendGridSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Onlooker]:
    """Looks at each call of SendGrid, of Slack by a job, and of Slack's user groups."""
    onlooker = Onlooker(url)

    def came(change: Change) -> None:
        if change.topic == "call" and isinstance(change.subject, Call):
            onlooker.look(change.subject.method)

    def watched(name: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def seen(*given: Any, **named: Any) -> Any:
            onlooker.look(name)
            return await call(*given, **named)

        return seen

    sandbox.subscribe(came)
    for stand_in, names in ((RecordingMessenger, MESSENGER), (Listed, ("__call__",))):
        for name in names:
            monkeypatch.setattr(stand_in, name, watched(name, getattr(stand_in, name)))
    yield onlooker
    onlooker.close()


@pytest.fixture
async def bot(onlooker: Onlooker, start: StartBot) -> Bot:
    del onlooker
    return start(POLICY, roster=ROSTER)


async def test_no_job_and_nobodys_click_holds_a_lock_while_something_outside_is_asked(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock, onlooker: Onlooker
) -> None:
    run = see_which_jobs_run(bot)
    await activate_policy(bot.database, POLICY, clock)
    applied, denied, doubtful = [await bot.ask(amount) for amount in (1, 2, 3)]
    await bot.work()
    await bot.decisions.approve(applied.id, ANN)
    await bot.decisions.deny(denied.id, BEN, "not now")
    await bot.work()
    sandbox.faults.add("drop_before")
    await bot.decisions.approve(doubtful.id, ANN)
    await bot.work()
    assert [await bot.status(each.id) for each in (applied, denied, doubtful)] == [
        Status.APPLIED,
        Status.DENIED,
        Status.IN_DOUBT,
    ]
    await move_cards(bot.database, POLICY, "C0OTHER", clock)
    await bot.ask(4)
    for _ in range(15):  # reminded, expired, settled; a digest, and two comparisons
        clock.advance(hours=4)
        await bot.work()
    await bot.queries.balance(ShowBalance("acme"), Actor(ASKER))
    names = Names(bot.database, bot.sendgrid, POLICY, bot.directory, within=timedelta(seconds=30))
    await names.unknown("acne", Actor(ASKER), Delivery("form", boottime()))

    assert onlooker.faults == []
    assert run == ALL_JOBS.keys()
    assert onlooker.called.keys() >= {"GET", "PATCH", "__call__", *MESSENGER} - {"send_unreadable"}


def see_which_jobs_run(bot: Bot) -> set[str]:
    """So that a new one has its place in the test, too."""
    run: set[str] = set()

    def noted(name: str, job: Callable[[int], Awaitable[None]]) -> Callable[[int], Awaitable[None]]:
        async def noting(key: int) -> None:
            run.add(name)
            await job(key)

        return noting

    for name in ALL_JOBS:
        setattr(bot, name, noted(name, getattr(bot, name)))
    return run
