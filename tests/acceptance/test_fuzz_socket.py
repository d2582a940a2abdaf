"""Broken payloads and broken envelopes over Socket Mode: the bot stays there, and none changes anything."""

from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from aiohttp.web import WebSocketResponse

from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.sandbox.slack import SlackSandbox
from tests.fleet import sqlite_fleet

from .broken_envelopes import BREAKINGS, ENDINGS, Frame, envelope, payload_changed
from .fuzzed import NUMBER, Fuzzed, chance, unprivileged

AT_ONCE = 25
"""Messages between two commands that must be answered; the bot works on all of them at the same time."""


@pytest.fixture
def ack_window() -> float:
    """A patient Slack: that acks come in time is for other tests to see."""
    return 30.0


@pytest.fixture
def settings(settings: dict[str, str], sendgrid: SendGridSandbox, tmp_path: Path) -> dict[str, str]:
    return settings | unprivileged(sendgrid, tmp_path)


@pytest.fixture
async def fuzzed(
    slack: SlackSandbox, sendgrid: SendGridSandbox, settings: dict[str, str], tmp_path: Path
) -> AsyncIterator[Fuzzed]:
    async with sqlite_fleet(settings, tmp_path, slack) as fleet:
        yield await Fuzzed.prepare(fleet, slack, sendgrid)


async def send(slack: SlackSandbox, frame: Frame) -> WebSocketResponse:
    """Send over the one connection, and return it."""
    [connection] = slack._hub.connections
    with suppress(OSError):  # the bot need not hear out what is too large
        await connection.send_frame(frame.data, frame.kind)
    return connection


async def test_nothing_that_comes_over_a_socket_fails_the_bot_or_changes_anything(fuzzed: Fuzzed) -> None:
    for number in range(NUMBER):
        random = chance(number)
        sound = envelope(fuzzed.payload(number, random), f"envelope-{number}")
        breaking = payload_changed if number % 3 else BREAKINGS[number // 3 % len(BREAKINGS)]
        await send(fuzzed.slack, breaking(sound, random))
        if number % AT_ONCE == 0:
            await fuzzed.check_answers()
    await fuzzed.check_answers()
    await fuzzed.check_unharmed()


async def test_a_connection_that_a_broken_message_ends_is_opened_again(fuzzed: Fuzzed) -> None:
    slack = fuzzed.slack
    for frame in ENDINGS[: 3 + NUMBER // 1000]:  # most take seconds, in which the bot finds out
        ended = await send(slack, frame)
        await slack.until(partial(has_another, slack, ended), 30)
        await fuzzed.check_answers()
    await fuzzed.check_unharmed()


def has_another(slack: SlackSandbox, ended: WebSocketResponse) -> bool:
    return slack.sockets == 1 and ended not in slack._hub.connections
