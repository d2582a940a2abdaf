"""Whoever asks the same at once is answered by one reading, and by none that began long before."""

import asyncio
from dataclasses import dataclass, field

import pytest

from creditbot.operations.together import MOMENT, Together


@dataclass
class Source:
    """Answers by the number of the reading, once it is let go on."""

    began: list[str] = field(default_factory=list)
    cancelled: int = 0
    error: Exception | None = None
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def __call__(self, wanted: str) -> str:
        self.began.append(wanted)
        self.news.put_nowait(wanted)
        number = len(self.began)
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return f"{wanted} {number}"

    async def next(self) -> str:
        """Of what the next reading is, once it has begun."""
        return await asyncio.wait_for(self.news.get(), 5)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def asking(together: Together[str, str], *wanted: str) -> list[asyncio.Task[str]]:
    async def ask(one: str) -> str:
        return await together(one)

    return [asyncio.create_task(ask(one)) for one in wanted]


async def test_all_who_ask_the_same_at_once_get_the_answer_of_one_reading() -> None:
    source = Source()
    together = Together(source)
    asked = asking(together, *["acme"] * 50, "globex")
    assert [await source.next(), await source.next()] == ["acme", "globex"]
    source.go_on.set()
    assert await asyncio.gather(*asked) == ["acme 1"] * 50 + ["globex 2"]


async def test_what_was_read_answers_nobody_who_asks_afterwards() -> None:
    source = Source()
    source.go_on.set()
    together = Together(source)
    assert [await together("acme"), await together("acme")] == ["acme 1", "acme 2"]
    assert together._readings == {}


async def test_a_reading_that_takes_long_is_not_joined_by_who_asks_later() -> None:
    source, clock = Source(), Clock()
    together = Together(source, clock)
    first = asking(together, "acme")
    await source.next()
    clock.now += MOMENT + 0.1
    later = asking(together, "acme", "acme")
    await source.next()
    source.go_on.set()
    assert await asyncio.gather(*first, *later) == ["acme 1", "acme 2", "acme 2"]
    assert together._readings == {}


async def test_a_fault_is_told_to_all_and_not_kept() -> None:
    source = Source(error=ValueError("no"))
    source.go_on.set()
    together = Together(source)
    for task in asking(together, "acme", "acme"):
        with pytest.raises(ValueError, match="no"):
            await task
    source.error = None
    assert await together("acme") == "acme 2"


async def test_a_reading_goes_on_until_the_last_who_waits_has_left() -> None:
    source = Source()
    together = Together(source)
    one, two = asking(together, "acme", "acme")
    await source.next()
    one.cancel()
    await asyncio.wait([one])
    assert (source.cancelled, two.done()) == (0, False)
    two.cancel()
    third = asking(together, "acme")  # before the reading that nobody waits for has ended
    await source.next()
    source.go_on.set()
    assert await asyncio.gather(*third) == ["acme 2"]
    assert source.cancelled == 1
