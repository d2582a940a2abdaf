"""The runners: whatever is due is started, once at a time, and nothing stops the rest."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.exc import OperationalError

from creditbot.domain.errors import KeyMissing
from creditbot.domain.requests import Status
from creditbot.operations import activate_policy
from creditbot.runners import EmbeddedRunner, Runner, embedded
from creditbot.runners import procrastinate as queue
from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser
from creditbot.store.engines import is_postgres
from creditbot.store.work import WakeUp

from .adapters import ALL_JOBS, ANN, Bot, patches, wake_up
from .conftest import StartBot

Job = Callable[[int], Awaitable[None]]


def runner_of(bot: Bot, **instead: Job) -> Runner:
    """The runner that belongs to the bot's database."""
    chosen = bot.jobs("check", "apply", "settle", "expire", "deliver", **instead)
    jobs = {ALL_JOBS[name].work: run for name, run in chosen.items()}
    runner: Runner = EmbeddedRunner(jobs, bot.due)
    if is_postgres(bot.url):
        runner = queue.ProcrastinateRunner(bot.url, jobs, bot.due)
    bot.database.waker = runner
    return runner


@asynccontextmanager
async def running(runner: Runner) -> AsyncIterator[None]:
    loop = asyncio.create_task(runner.run())
    try:
        yield
    finally:
        await runner.stop()
        await loop


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.01)


async def test_a_request_goes_all_the_way_with_nobody_but_the_approver(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    async with running(runner_of(bot)):
        request = await bot.ask()

        async def card_is_there() -> bool:
            return bool(bot.messenger.posted)

        async def told() -> bool:
            return len(bot.messenger.notices) == 1

        async def card_is_new() -> bool:
            return bot.messenger.shown[bot.messenger.posted[0]].status is Status.APPLIED

        await until(card_is_there)
        await bot.decisions.approve(request.id, ANN)
        await until(told)
        await until(card_is_new)

    assert sandbox.account.applied("acme") == [250]
    # An approval whose change is applied at once is told with that.
    assert [kind for _, kind, _ in bot.messenger.notices] == ["applied"]


async def test_what_a_crash_left_over_is_picked_up_at_the_start(
    start: StartBot, sandbox: SendGridSandbox
) -> None:
    died = start()
    sandbox.account.add_subuser(Subuser("third", type="nonrecurring", remain=10))
    left = [await died.ask(), await died.approved(subuser="other"), await died.applying(subuser="third")]
    bot = start()

    async def nothing_is_due() -> bool:
        return not await bot.due()

    async with running(runner_of(bot)):
        await until(nothing_is_due)

    assert [await bot.status(request.id) for request in left] == ["pending", "applied", "applied"]
    assert (await bot.request(left[0].id)).check is not None
    assert [call.username for call in patches(sandbox)].count("third") == 1


async def test_a_job_that_raises_does_not_stop_the_others(bot: Bot) -> None:
    broken, sound = await bot.ask(), await bot.ask()
    tried = Counter[int]()

    async def check(request_id: int) -> None:
        tried[request_id] += 1
        if request_id == broken.id:
            raise RuntimeError("a fault in a job")
        await bot.check(request_id)

    async def card_is_there() -> bool:
        return bool(bot.messenger.posted)

    async with running(runner_of(bot, check=check)):
        await until(card_is_there)

    assert (await bot.request(sound.id)).check is not None
    assert tried == {broken.id: 1, sound.id: 1}


async def test_who_can_write_nothing_down_any_more_does_not_go_on(start: StartBot) -> None:
    bot, other = start(), start(keys=(b"a key that came in between, long",))
    request = await bot.ask()
    await activate_policy(other.database, other.policy, other.clock)
    runner = runner_of(bot)

    async with asyncio.timeout(20):
        with pytest.raises(KeyMissing):
            await runner.run()
    await runner.stop()

    async def checked() -> bool:
        return (await other.request(request.id)).check is not None

    assert not await checked()
    async with running(runner_of(other)):
        await until(checked)


async def test_nothing_runs_twice_at_once_for_the_same_key() -> None:
    now_running, most, done = Counter[int](), Counter[int](), Counter[int]()

    async def job(key: int) -> None:
        now_running[key] += 1
        most[key] = max(most[key], now_running[key])
        await asyncio.sleep(0.01)
        now_running[key] -= 1
        done[key] += 1

    async def always_due() -> list[WakeUp]:
        return [wake_up("apply", 1), wake_up("apply", 2), wake_up("apply", 1)]

    async def enough() -> bool:
        runner.committed([wake_up("apply", 1)])
        return min(done[1], done[2]) >= 10

    runner = EmbeddedRunner({ALL_JOBS["apply"].work: job}, always_due)
    async with running(runner):
        await until(enough)

    assert most == {1: 1, 2: 1}
    assert now_running == {1: 0, 2: 0}


async def test_an_outage_of_the_database_does_not_end_the_loop() -> None:
    asked, ran = Counter[str](), asyncio.Event()

    async def due() -> list[WakeUp]:
        asked["due"] += 1
        if asked["due"] == 1:
            raise OperationalError("SELECT", {}, Exception("database is locked"))
        return [] if ran.is_set() else [wake_up("deliver", 1)]

    async def deliver(_key: int) -> None:
        ran.set()

    runner = EmbeddedRunner({ALL_JOBS["deliver"].work: deliver}, due)
    async with running(runner):
        runner.committed([wake_up("deliver", 1)])
        async with asyncio.timeout(20):
            await ran.wait()


async def test_stopping_waits_for_what_runs_and_starts_nothing_more(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    request = await bot.approved()
    sandbox.faults.add("slow", seconds=0.4)
    runner = runner_of(bot)
    loop = asyncio.create_task(runner.run())
    await sandbox.until(lambda: patches(sandbox))

    await runner.stop()
    await loop
    later = await bot.ask(subuser="other")

    assert await bot.status(request.id) is Status.APPLIED
    assert (await bot.request(later.id)).check is None


async def test_what_does_not_finish_in_time_is_stopped_and_recorded_as_a_doubt(
    bot: Bot, sandbox: SendGridSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (embedded, queue):
        monkeypatch.setattr(module, "FINISH", 0.05)
    request = await bot.approved()
    sandbox.faults.add("hang_after", seconds=600)
    runner = runner_of(bot)
    loop = asyncio.create_task(runner.run())
    await sandbox.until(lambda: sandbox.account.ledger)

    await runner.stop()
    await loop

    assert await bot.status(request.id) is Status.IN_DOUBT
    assert len(patches(sandbox)) == 1


async def test_two_runners_on_one_database_send_each_change_once(
    start: StartBot, sandbox: SendGridSandbox
) -> None:
    first = start()
    names = [f"subuser-{number}" for number in range(4)]
    for name in names:
        sandbox.account.add_subuser(Subuser(name, type="nonrecurring", remain=10))
    requests = [await first.approved(5, name) for name in names for _ in range(2)]
    bots = [start() for _ in range(2)]

    async def all_applied() -> bool:
        return all([await first.status(request.id) is Status.APPLIED for request in requests])

    async with (
        running(runner_of(bots[0])),
        running(runner_of(bots[1])),
    ):
        async with asyncio.timeout(120):
            while not await all_applied():
                first.clock.advance(seconds=1)
                await asyncio.sleep(0.05)

    assert all(sandbox.account.applied(name) == [5, 5] for name in names)
    assert len(patches(sandbox)) == 8
