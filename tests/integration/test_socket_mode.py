"""Getting a Socket Mode connection, and getting another when that one is gone."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.sandbox.slack import SlackSandbox
from creditbot.slack.connection import SocketConnection, WrongToken, wrong_app_token

OPEN = "apps.connections.open"
ALWAYS = 10_000


@pytest.fixture
async def slack() -> AsyncIterator[SlackSandbox]:
    async with SlackSandbox() as running:
        yield running


class Pauses:
    """Waits that take no time, and are noted."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0.001)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
async def connection(slack: SlackSandbox, pauses: Pauses) -> AsyncIterator[SocketConnection]:
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
    app = AsyncApp(signing_secret="", token=slack.bot_token)
    connection = SocketConnection(app, client, slack.app_token)
    connection._handler.client._sleep = pauses
    yield connection
    await connection.close()


async def test_a_token_that_slack_refuses_at_the_start_ends_it(
    slack: SlackSandbox, connection: SocketConnection
) -> None:
    slack.faults.fail(OPEN, error="invalid_auth", times=ALWAYS)
    with pytest.raises(WrongToken, match="SLACK_APP_TOKEN is wrong: Slack says invalid_auth"):
        await connection.open()


async def test_slack_is_left_alone_for_as_long_as_it_asks(
    slack: SlackSandbox, connection: SocketConnection, pauses: Pauses
) -> None:
    slack.faults.http(OPEN, status=429, headers={"Retry-After": "77"})
    slack.faults.fail(OPEN, error="internal_error", times=2)
    slack.faults.http(OPEN, status=429, headers={"Retry-After": "99999"})
    await connection.open()
    assert await connection.trouble() is None
    assert pauses.seconds == [77.0, 1.0, 2.0, 300.0]


async def test_a_token_that_is_revoked_while_it_runs_is_called_that_and_asked_for_again(
    slack: SlackSandbox, connection: SocketConnection
) -> None:
    await connection.open()
    slack.faults.fail(OPEN, error="token_revoked", times=20)

    with structlog.testing.capture_logs() as logs:
        await slack._hub.refresh()  # Slack asks it to come again
        async with asyncio.timeout(30):
            while [call.method for call in slack.calls].count(OPEN) < 22:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)

    errors: list[Any] = [entry["event"] for entry in logs if entry["log_level"] == "error"]
    assert errors == [wrong_app_token("token_revoked")]
    await slack.until(lambda: slack.sockets == 1)
