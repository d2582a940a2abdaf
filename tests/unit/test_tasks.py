"""What follows an ack: waited for at the end, but not for ever."""

import asyncio

from creditbot.slack.tasks import Tasks


async def test_what_does_not_end_in_time_is_cancelled() -> None:
    tasks, done, ended = Tasks(), asyncio.Event(), list[str]()

    async def quick() -> None:
        done.set()
        ended.append("done")

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    tasks.spawn(endless())
    tasks.spawn(quick())
    await done.wait()
    await tasks.drain(0.01)

    assert ended == ["done", "cancelled"]
