"""Broken payloads and broken requests over HTTP: each gets its answer, and none changes anything."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.sandbox.slack import SlackSandbox
from tests.fleet import FLEETS
from tests.integration.payloads import encoded, mutated

from .broken_requests import BREAKINGS, signer
from .fuzzed import NUMBER, Fuzzed, chance, unprivileged
from .wire import Answer, Connection, request

CONNECTIONS = 8
"""Kept open and used at once."""

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: bot.example\r\n\r\n"


@pytest.fixture
def ack_window() -> float:
    """A patient Slack: that acks come in time is for other tests to see."""
    return 30.0


@pytest.fixture
def settings(settings: dict[str, str], sendgrid: SendGridSandbox, tmp_path: Path) -> dict[str, str]:
    return settings | unprivileged(sendgrid, tmp_path)


@pytest.fixture(params=FLEETS)
async def fuzzed(
    request: pytest.FixtureRequest,
    slack: SlackSandbox,
    sendgrid: SendGridSandbox,
    settings: dict[str, str],
    tmp_path: Path,
) -> AsyncIterator[Fuzzed]:
    async with FLEETS[request.param](settings, tmp_path, slack) as fleet:
        yield await Fuzzed.prepare(fleet, slack, sendgrid)


class Sender:
    """Sends over a connection that is kept, and over new ones what might spoil it."""

    def __init__(self, fuzzed: Fuzzed, port: int) -> None:
        self._fuzzed = fuzzed
        self._port = port
        self._kept: Connection | None = None
        self.came: Counter[tuple[str, int]] = Counter()

    async def work(self, numbers: Iterator[int]) -> None:
        try:
            for number in numbers:
                if number % 3:
                    await self._send_payload(number)
                else:
                    await self._send_broken(number)
        finally:
            await self._forget()

    async def _send_payload(self, number: int) -> None:
        random = chance(number)
        body, content_type = mutated(self._fuzzed.payload(number, random), random)
        sign = signer(self._fuzzed.slack.signing_secret, content_type)
        [answer] = await self._ask([request(body, sign(body))], 1)
        self._take("payload", answer, number)

    async def _send_broken(self, number: int) -> None:
        random = chance(number)
        breaking = BREAKINGS[number // 3 % len(BREAKINGS)]
        body, content_type = encoded(self._fuzzed.payload(number, random), random)
        sent = breaking(body, signer(self._fuzzed.slack.signing_secret, content_type), random)
        name = breaking.__name__
        if sent.answers is not None:
            found = await self._ask(sent.pieces, sent.answers)
            assert len(found) == sent.answers, (number, name, found)
        else:
            found = await self._send_apart(sent.pieces)
        for answer in found:
            self._take(name, answer, number)
        await self._check_health()

    async def _send_apart(self, pieces: list[bytes]) -> list[Answer]:
        connection = await Connection.open(self._port)
        try:
            await connection.send(pieces)
            await self._check_health()  # meanwhile the bot may answer, before it sees the end
            return await connection.hang_up()
        finally:
            await connection.close()

    async def _check_health(self) -> None:
        """Also that no answer is left over on the connection that is kept."""
        [answer] = await self._ask([HEALTH], 1)
        assert (answer.status, answer.body) == (200, b"alive\n"), answer

    async def _ask(self, pieces: list[bytes], answers: int) -> list[Answer]:
        found: list[Answer] = []
        if self._kept is not None:
            found = await self._kept.exchange(pieces, answers)
        if not found:  # the bot closes what has been idle for a while, so once more
            await self._forget()
            self._kept = await Connection.open(self._port)
            found = await self._kept.exchange(pieces, answers)
        if not found or found[-1].closes:
            await self._forget()
        return found

    async def _forget(self) -> None:
        if self._kept is not None:
            await self._kept.close()
        self._kept = None

    def _take(self, name: str, answer: Answer, number: int) -> None:
        assert answer.status < 500, (name, number, answer)
        self.came[name, answer.status] += 1


async def test_nothing_that_comes_over_http_fails_the_bot_or_changes_anything(fuzzed: Fuzzed) -> None:
    webs = [bot for bot in fuzzed.fleet.bots if bot.role != "worker"]
    senders = [Sender(fuzzed, int(webs[number % len(webs)].env["PORT"])) for number in range(CONNECTIONS)]
    numbers = iter(range(NUMBER))
    async with asyncio.TaskGroup() as group:
        for sender in senders:
            group.create_task(sender.work(numbers))
    came = sum((sender.came for sender in senders), Counter[tuple[str, int]]())
    # Many got through to a listener, and many did not.
    assert came["payload", 200] > NUMBER / 30, came
    assert came["payload", 400] > NUMBER / 30, came
    assert any(status == 413 for _, status in came), came
    for web in webs:
        fuzzed.slack.events_url = f"{web.url}/slack/events"
        await fuzzed.check_answers()
    await fuzzed.check_unharmed()
