"""The daily digest, worked out once and posted once, on both databases."""

import asyncio
import json
from dataclasses import replace

from creditbot.domain.digest import Digest
from creditbot.jobs.messenger import DeliveryProblem
from creditbot.jobs.retries import SPREAD
from creditbot.operations import activate_policy
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.store.recount import recount

from .adapters import ANN, CHANNEL, POLICY, Bot, Clock, ids
from .conftest import StartBot


async def begun(bot: Bot) -> Bot:
    """As it is started, at noon."""
    await activate_policy(bot.database, bot.policy, bot.clock)
    return bot


async def posted(bot: Bot) -> list[Digest]:
    await bot.work("digest", "daily")
    assert {channel for channel, _ in bot.messenger.daily} <= {CHANNEL}
    return [digest for _, digest in bot.messenger.daily if isinstance(digest, Digest)]


async def test_it_tells_of_the_day_and_carries_the_head(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    await begun(bot)
    applied = await bot.approved(250)
    await bot.apply(applied.id)
    denied = await bot.checked(9, "other")
    await bot.decisions.deny(denied.id, ANN, "no")
    await bot.checked(7)
    assert await posted(bot) == []
    async with bot.database.read() as connection:
        head, _ = await recount(connection)

    clock.advance(hours=21)
    [found] = await posted(bot)

    assert (found.asked, found.to_add, found.to_remove, found.granted) == (3, 266, 0, 1)
    assert (found.ends, found.net) == ({"applied": 1, "denied": 1}, {"acme": 250})
    assert (found.waiting, found.in_doubt, found.events, found.head) == (1, (), head.count, head.head)
    async with bot.database.read() as connection:
        _, noted = await recount(connection, found.head)
        rows = await connection.exec_driver_sql("SELECT detail FROM events WHERE kind = 'digest'")
        assert [json.loads(row[0])["head"] for row in rows] == [found.head]
    assert noted is not None


async def test_it_comes_once_a_day_and_tells_of_no_day_twice(bot: Bot, clock: Clock) -> None:
    await begun(bot)
    await bot.checked()
    clock.advance(hours=21)
    assert len(await posted(bot)) == 1
    assert len(await posted(bot)) == 1
    await bot.checked(9)
    clock.advance(hours=24)
    assert [digest.asked for digest in await posted(bot)] == [1, 1]


async def test_what_is_written_at_the_moment_of_a_digest_is_told_of_once(bot: Bot, clock: Clock) -> None:
    await begun(bot)
    clock.advance(hours=21)
    await bot.checked()
    assert [digest.asked for digest in await posted(bot)] == [1]
    await bot.checked(9)  # the clock stands: its time is that of the digest
    clock.advance(hours=24)
    assert [digest.asked for digest in await posted(bot)] == [1, 1]


async def test_after_an_outage_one_digest_tells_of_all_days(bot: Bot, clock: Clock) -> None:
    await begun(bot)
    clock.advance(hours=21)
    await posted(bot)
    await bot.checked()
    clock.advance(days=4, hours=1)
    assert [digest.asked for digest in await posted(bot)] == [0, 1]
    clock.advance(hours=22)
    assert await bot.due_daily() == []
    clock.advance(hours=1)
    assert len(await posted(bot)) == 3


async def test_what_slack_does_not_take_is_posted_later_in_the_same_words(bot: Bot, clock: Clock) -> None:
    await begun(bot)
    clock.advance(hours=21)
    bot.messenger.problems.append(DeliveryProblem("ratelimited", wait=5, not_done=True))
    assert await posted(bot) == []
    await bot.checked()
    clock.advance(seconds=5 * (1 + SPREAD))
    [found] = await posted(bot)
    assert found.asked == 0


async def test_two_processes_post_one(start: StartBot, clock: Clock) -> None:
    bots = [await begun(start()), await begun(start())]
    clock.advance(hours=21)
    [key] = ids(await bots[0].due(), "digest")
    await asyncio.gather(*(bot.digest(key) for bot in bots))
    await asyncio.gather(*(bot.work("daily") for bot in bots))
    assert sum(len(bot.messenger.daily) for bot in bots) == 1


async def test_another_policy_has_its_own_hour_or_none(start: StartBot, clock: Clock) -> None:
    await begun(start())
    await begun(start(replace(POLICY, digest=None)))
    clock.advance(days=2)
    assert await start().due_daily() == []
    later = await begun(start())
    assert await later.due_daily() == []
    clock.advance(hours=21)
    assert len(await posted(later)) == 1
