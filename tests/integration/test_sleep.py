"""A machine that slept: what was true or on its way before is not true, and does not go on, when it wakes up.

On Linux the clock of asyncio and of `time.monotonic()` stands still meanwhile, so here only the other one
moves. Where several clocks are asked, the wall clock stands still, too, as it does while a virtual machine is
paused.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain.credits import NotSent
from creditbot.domain.errors import NotAnswered, NotTaken
from creditbot.domain.requests import Status
from creditbot.domain.who import Roster
from creditbot.elapsed import Stopwatch
from creditbot.jobs.apply import Apply
from creditbot.jobs.apply.recheck import Recheck
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.sendgrid.client import SendGrid
from creditbot.store import attempts, requests
from creditbot.store.clock import ServerClock
from creditbot.store.database import Database, Transaction

from .adapters import ANN, CHANNEL, POLICY, Bot, patches
from .conftest import StartBot, on_postgres

pytestmark = pytest.mark.people_wait

NIGHT = 8 * 3600.0


class Boottime:
    """Goes on only while the machine sleeps."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self) -> None:
        self.now += NIGHT

    def stopwatch(self) -> Stopwatch:
        return Stopwatch([self])


@pytest.fixture
def boottime() -> Boottime:
    return Boottime()


@pytest.fixture
async def bot(start: StartBot, boottime: Boottime) -> Bot:
    bot = start()
    bot.recheck = Recheck(bot.database, POLICY, bot.directory, bot.clock, boottime.stopwatch)
    bot.apply = Apply(
        bot.database,
        bot.sendgrid,
        POLICY,
        bot.recheck,
        bot.clock,
        channel=CHANNEL,
        stopwatch=boottime.stopwatch,
    )
    return bot


async def test_an_attempt_that_was_written_down_before_is_not_sent(
    bot: Bot, sandbox: SendGridSandbox, boottime: Boottime
) -> None:
    request = await bot.approved()

    class Sleeper:
        """Closes the lid at the commit of the attempt."""

        async def defer(self, connection: AsyncConnection, wake_ups: object) -> None:  # noqa: ARG002 - fixed
            attempt = await attempts.last(connection, request.id)
            if attempt is not None and attempt.outcome is None:
                boottime.sleep()

        def committed(self, wake_ups: object) -> None:
            pass

    bot.database.waker = Sleeper()
    await bot.apply(request.id)

    attempt = await bot.last_attempt(request.id)
    assert attempt is not None
    assert attempt.outcome == "not_sent"
    assert patches(sandbox) == []


async def test_a_balance_that_was_read_before_is_read_again(
    bot: Bot, sandbox: SendGridSandbox, boottime: Boottime
) -> None:
    request = await bot.approved()
    sandbox.faults.add("slow", method="GET", seconds=0.2)
    working = asyncio.create_task(bot.apply(request.id))
    await sandbox.until(lambda: sandbox.calls[-1].fault == "slow")
    boottime.sleep()
    await working

    assert await bot.last_attempt(request.id) is None
    await bot.apply(request.id)
    assert await bot.status(request.id) is Status.APPLIED
    assert len(patches(sandbox)) == 1


async def test_a_connection_that_was_begun_before_carries_no_change(
    sandbox: SendGridSandbox, boottime: Boottime
) -> None:
    def sleeps_while_it_runs() -> Stopwatch:
        stopwatch = boottime.stopwatch()
        boottime.sleep()
        return stopwatch

    client = SendGrid.connect(sandbox.api_key, sandbox.url, stopwatch=sleeps_while_it_runs)
    outcome = await client.update_remaining("acme", 250)
    await client.close()

    assert isinstance(outcome, NotSent)
    assert patches(sandbox) == []


async def test_who_was_in_a_group_before_is_asked_again(
    start: StartBot, bot: Bot, boottime: Boottime
) -> None:
    request = await start(roster=Roster()).approved()
    asked = 0

    class Directory:
        async def __call__(self, who: object = None) -> Roster:  # noqa: ARG002 - fixed
            nonlocal asked
            asked += 1
            return Roster()

    class Sleepy(Database):
        """Closes the lid while the writer waits for its turn, once."""

        @asynccontextmanager
        async def write(self, *given: Any) -> AsyncIterator[Transaction]:
            async with super().write(*given) as transaction:
                if asked == 1:
                    boottime.sleep()
                yield transaction

    database = Sleepy(bot.url)
    another = POLICY.one_tier([ANN])
    recheck = Recheck(database, another, Directory(), bot.clock, boottime.stopwatch)

    assert not await recheck(request.id)
    assert await bot.status(request.id) is Status.APPROVED
    assert await recheck(request.id)
    assert asked == 2
    await database.close()


async def test_what_a_person_did_before_is_not_taken(bot: Bot, boottime: Boottime) -> None:
    request = await bot.checked()
    database = Database(bot.url, elapsed=boottime)

    async def cancel(transaction: Transaction) -> None:
        await requests.transition(transaction, request, Status.CANCELLED, kind="cancelled", at=bot.clock())
        boottime.sleep()

    with pytest.raises(NotTaken):
        await database.for_person(cancel, boottime())
    with pytest.raises(NotAnswered):
        await database.read_for_person(
            lambda connection: requests.get(connection, request.id), boottime() - NIGHT
        )
    await asyncio.gather(*database._for_people, return_exceptions=True)
    await database.close()

    assert await bot.status(request.id) is Status.PENDING


@on_postgres
async def test_the_servers_clock_is_right_at_once_when_it_wakes_up(url: str, boottime: Boottime) -> None:
    database = Database(url)
    clock = ServerClock(database, boottime)
    await clock.compare()
    await database.close()
    before = clock()
    boottime.sleep()
    assert clock() - before == timedelta(seconds=NIGHT)


@on_postgres
async def test_a_comparison_with_the_servers_clock_during_which_it_slept_counts_for_nothing(
    url: str, boottime: Boottime
) -> None:
    asleep = False

    def elapsed() -> float:
        boottime.now += NIGHT if asleep else 0
        return boottime.now

    database = Database(url)
    clock = ServerClock(database, elapsed)
    await clock.compare()
    before, began = clock(), boottime.now
    asleep = True
    await clock.compare()
    asleep = False
    await database.close()

    assert clock() - before == timedelta(seconds=boottime.now - began)
