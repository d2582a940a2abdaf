"""Rows about many people in the same moment."""

import asyncio
from collections import Counter

from creditbot.sandbox.world import ALICE, APPROVALS, BOB, GENERAL

from .figures import Figure, milliseconds, percentile
from .load import Sent
from .pace import paced
from .size import Size
from .stage import NAMES, Kind, stage

HUNG = 10.0
"""Seconds for which SendGrid says nothing, which is as long as the bot waits for it."""

IN_TIME = 3.0
"""Seconds that Slack waits for an ack."""


def _acks(sent: list[Sent]) -> str:
    in_time = sum(one.acked and one.ack < IN_TIME for one in sent)
    acks = [one.ack for one in sent if one.acked]
    p50, p99 = percentile(acks, 0.5), percentile(acks, 0.99)
    return f"{in_time} of {len(sent)} acked in time, p50 {milliseconds(p50)}, p99 {milliseconds(p99)}"


async def hung(size: Size) -> list[Figure]:
    """Balances by the hundred while SendGrid hangs, and what else people do meanwhile."""
    del size  # the goal is about so many
    number = 500
    async with stage() as on:
        cards = [await on.card(subuser) for subuser in ("acme", "globex")]
        on.sendgrid.faults.add("hang_before", method=None, times=10**6, seconds=2 * HUNG)
        # Each of its own: those who ask for the same wait for one reading.
        texts = [f"/credits balance brand-{place}" for place in range(number)]
        storm = asyncio.create_task(
            on.send(on.bot, texts, within=number / 500, answered=True, patience=2 * HUNG)
        )
        await asyncio.sleep(0.5 * number / 500)
        asked = await on.slack.command(ALICE, "/credits add initech 5 bench", channel=GENERAL)
        clicks = [await on.slack.click(BOB, card, "Approve") for card in cards]
        approved = on.count("SELECT count(*) FROM requests WHERE decided_by IS NOT NULL")
        taken = on.count("SELECT count(*) FROM requests WHERE subuser = 'initech'") == 1
        sent = await storm
    p99 = percentile([one.ack for one in sent], 0.99)
    told = [one.answer for one in sent if one.answer is not None]
    first, last = (percentile(told, share) for share in (0, 1))
    others = asked.seconds, *(click.seconds for click in clicks)
    return [
        Figure(
            f"{number} balances within {number / 500:g} s, SendGrid hangs: ack",
            "all acked, p99 under 500 ms",
            _acks(sent),
            all(one.acked for one in sent) and p99 < 0.5,
        ),
        Figure(
            "meanwhile: an add by someone else, and two Approves",
            "taken and decided",
            f"{'taken' if taken else 'not taken'}, {approved} of 2 decided; "
            f"acks {', '.join(milliseconds(seconds) for seconds in others)}",
            taken and approved == 2 and max(others) < IN_TIME,
        ),
        Figure(
            "those who wait",
            "are told a sentence",
            f"{len(told)} of {number} told, the first after {first:.1f} s and the last after {last:.1f} s",
            len(told) == number,
        ),
    ]


async def adds(size: Size) -> list[Figure]:
    """Requests by the hundred in one instant, on both databases."""
    del size  # the goal is about so many
    return [await _adds(kind, 300) for kind in NAMES]


async def _adds(kind: Kind, number: int) -> Figure:
    async with stage(kind) as on:
        texts = [f"/credits add acme {amount} bench" for amount in range(1, number + 1)]
        sent = await on.send(on.bot, texts, at_once=number)
        taken = on.count("SELECT count(*) FROM requests")
    p99 = percentile([one.ack for one in sent], 0.99)
    return Figure(
        f"{number} adds in one instant",
        "all taken, p99 of the ack under 1.5 s",
        f"{taken} taken; {_acks(sent)}",
        taken == number and p99 < 1.5,
        NAMES[kind],
    )


async def same(size: Size) -> list[Figure]:
    """The same balance for many at once."""
    del size
    people = 50
    async with stage() as on:
        on.sendgrid.calls.clear()
        # As it is in earnest. Who asks after an answer came has another one.
        on.sendgrid.faults.add("slow", method="GET", times=10**6, seconds=0.2)
        sent = await on.send(on.bot, ["/credits balance acme"] * people, at_once=people, answered=True)
        gets = Counter(call.path for call in on.sendgrid.calls if call.method == "GET")
        answered = sum(one.answer is not None for one in sent)
    return [
        Figure(
            f"the same balance, asked by {people} at once",
            "one GET each of the two",
            f"{' and '.join(str(number) for number in gets.values())} GETs; {answered} answered",
            answered == people and set(gets.values()) == {1},
        )
    ]


async def channel(size: Size) -> list[Figure]:
    """Many cards in one channel of a Slack that takes a message a second there."""
    number = size.of(10, 300)
    async with stage(prepare=paced, settings={"CREDITBOT_POSTS_PER_SECOND": "1"}) as on:
        texts = [f"/credits add acme {amount} bench" for amount in range(1, number + 1)]
        started = asyncio.get_running_loop().time()
        on.slack.calls.clear()
        sent = await on.send(on.bot, texts, at_once=2)
        assert all(one.acked for one in sent)
        taken = on.count("SELECT count(*) FROM requests")
        await on.slack.until(lambda: len(on.slack.messages(APPROVALS)) >= taken, 4 * number + 60)
        seconds = asyncio.get_running_loop().time() - started
        calls = Counter(call.status for call in on.slack.calls if call.method.startswith("chat."))
    most, least = round(1.1 * number), number
    return [
        Figure(
            f"{number} cards in one channel, of which Slack takes one a second",
            f"at most {most} calls, in about {least} s",
            f"{calls.total()} calls, {calls[429]} of them answered 429, in {seconds:.0f} s; {taken} taken",
            calls.total() <= most and seconds <= 1.1 * least + 5,
        )
    ]
