"""Turns: one has it at a time, who is in a hurry first, and whoever gives up loses it for nobody else."""

import asyncio

import pytest

from creditbot.store.turns import Turns


class Room:
    """Notes who is in it, one after another."""

    def __init__(self) -> None:
        self.turns = Turns(self.pass_on)
        self.order: list[str] = []
        self.passed_on = 0

    def pass_on(self) -> None:
        self.passed_on += 1
        self.turns.give()

    async def enter(self, name: str, patience: float | None = None) -> None:
        await self.turns.take(patience)
        self.order.append(name)
        self.turns.give()


async def soon() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_each_has_it_in_the_order_in_which_they_came_but_who_hurries_goes_first() -> None:
    room = Room()
    await room.turns.take(None)
    names = [("a", None), ("b", 30.0), ("c", None), ("d", 30.0)]
    tasks = [asyncio.create_task(room.enter(name, patience)) for name, patience in names]
    await soon()
    assert room.order == []
    room.turns.give()
    await asyncio.gather(*tasks)
    assert room.order == ["b", "d", "a", "c"]
    await room.enter("e")
    assert room.order[-1] == "e"


async def test_it_is_handed_over_only_to_somebody_who_waits() -> None:
    room = Room()
    await room.turns.take(None)
    assert not room.turns.hand_over()
    waiting = asyncio.create_task(room.enter("a"))
    await soon()
    assert room.turns.hand_over()
    await waiting
    assert room.order == ["a"]


async def test_who_has_stopped_waiting_is_passed_over() -> None:
    room = Room()
    await room.turns.take(None)
    gone = asyncio.create_task(room.enter("gone"))
    stays = asyncio.create_task(room.enter("stays"))
    await soon()
    gone.cancel()
    room.turns.give()  # before the other hears of it
    await asyncio.gather(gone, stays, return_exceptions=True)
    assert (room.order, room.passed_on) == (["stays"], 0)


async def test_only_those_who_have_stopped_waiting_is_nobody() -> None:
    room = Room()
    await room.turns.take(None)
    gone = asyncio.create_task(room.enter("gone"))
    await soon()
    gone.cancel()
    assert not room.turns.hand_over()
    await asyncio.gather(gone, return_exceptions=True)
    room.turns.give()
    await room.enter("next")
    assert room.order == ["next"]


async def test_nobody_is_kept_who_has_stopped_waiting() -> None:
    room = Room()
    await room.turns.take(None)
    for patience in (None, 30.0):
        gone = asyncio.create_task(room.enter("gone", patience))
        await soon()
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
    assert not room.turns._hurried
    assert not room.turns._patient


async def test_a_turn_that_came_to_somebody_who_was_just_cancelled_is_passed_on() -> None:
    room = Room()
    await room.turns.take(None)
    gone = asyncio.create_task(room.enter("gone"))
    next_ = asyncio.create_task(room.enter("next"))
    await soon()
    room.turns.give()
    gone.cancel()
    await asyncio.gather(gone, next_, return_exceptions=True)
    assert (room.order, room.passed_on) == (["next"], 1)


async def test_it_does_not_come_in_time() -> None:
    room = Room()
    await room.turns.take(None)
    with pytest.raises(TimeoutError):
        await room.turns.take(0)
    room.turns.give()
    await room.enter("next")
    assert room.order == ["next"]
