"""Whatever text comes from outside can be written down, on either database, and the chain still recounts."""

import asyncio
import random

import pytest

from creditbot.domain.credits import InDoubt, Refused
from creditbot.domain.errors import Refusal
from creditbot.domain.evidence import Reading
from creditbot.domain.requests import Status
from creditbot.jobs.messenger import DeliveryProblem
from creditbot.store import attempts, requests
from creditbot.store.types import storable

from .adapters import ANN, BEN, CHANNEL, Bot

LONG = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789äß€😀", k=10_000))
TEXTS = {
    "a NUL": "before\x00after",
    "half a character": "before\ud83dafter",
    "ten thousand characters": LONG,
    "all of it": f"\x00\udfff{LONG}\ud800",
}
pytestmark = pytest.mark.parametrize("words", TEXTS.values(), ids=TEXTS.keys())


def as_key(words: str) -> str:
    """PostgreSQL indexes no text that is long and random. Slack's IDs have 40 characters at most."""
    return words.replace(LONG, "x" * len(LONG))


async def test_a_request_for_any_reason_by_anyone_is_taken_once(bot: Bot, words: str) -> None:
    first = await bot.ask(reason=words, by=words, origin=as_key(words))
    again = await bot.ask(reason=words, by=words, origin=as_key(words))

    assert again == first
    assert (first.reason, first.requested_by) == (storable(words), storable(words))
    await bot.assert_sound()


async def test_a_decision_is_kept_with_any_reason_by_anyone(bot: Bot, words: str) -> None:
    request = await bot.checked()
    with pytest.raises(Refusal):
        await bot.decisions.approve(request.id, words)
    denied = await bot.decisions.deny(request.id, ANN, words)

    assert denied.decision_reason == storable(words)
    assert [event["actor"] for event in await bot.events(request.id)][-2:] == [storable(words), ANN]
    await bot.assert_sound()


async def test_an_answer_of_any_content_is_written_down_and_ends_the_request(bot: Bot, words: str) -> None:
    request = await bot.applying()
    async with bot.database.write() as transaction:
        attempt = await attempts.start(
            transaction, request.id, 1, Reading(words, 1000, last_reset=words), bot.clock()
        )

    async with asyncio.timeout(20):  # it would try for ever
        await bot.record(request, attempt, bot.clock(), Refused(400, words, words))

    found = await bot.last_attempt(request.id)
    assert found is not None
    assert (found.outcome, found.answer_body) == ("refused", storable(words))
    assert found.before == Reading(storable(words), 1000, storable(words))
    assert await bot.status(request.id) is Status.FAILED
    await bot.assert_sound()


async def test_a_doubt_is_kept_and_settled_with_any_words(bot: Bot, words: str) -> None:
    request = await bot.applying()
    async with bot.database.write() as transaction:
        attempt = await attempts.start(transaction, request.id, 1, Reading("x", 1, None), bot.clock())
    async with asyncio.timeout(20):
        await bot.record(request, attempt, bot.clock(), InDoubt(words, 500, words))
    bot.clock.advance(minutes=1)

    settled = await bot.settlements.settle(request.id, BEN, applied=False, reason=words)

    assert (settled.status, settled.settled_reason) == (Status.FAILED, storable(words))
    await bot.assert_sound()


async def test_a_message_and_a_failure_to_show_it_are_kept_whatever_slack_calls_them(
    bot: Bot, words: str
) -> None:
    request = await bot.checked()
    for _ in range(2):
        await bot.seen_in(request.id, CHANNEL, as_key(words))
    bot.messenger.problems = [DeliveryProblem(words)]
    await bot.work("cards")

    [card] = await bot.cards_of(request.id)
    assert card["ts"] == storable(as_key(words))
    assert card["error"] == storable(words[:500])


async def test_a_notice_to_anyone_is_kept(bot: Bot, words: str) -> None:
    request = await bot.ask(by=as_key(words))
    async with bot.database.write() as transaction:
        await requests.transition(
            transaction, request, Status.REFUSED, kind="refused", at=bot.clock(), explanation=words
        )
    bot.messenger.problems = [DeliveryProblem(words)]
    await bot.deliver((await bot.due_notices())[0])

    assert await bot.notices_of(request.id) == {(storable(as_key(words)), "refused")}
