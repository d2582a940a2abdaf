"""Socket Mode of the sandbox, with slack_sdk's own client and with bare WebSockets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.sandbox.slack import Person, SlackSandbox


@pytest.fixture
async def slack() -> AsyncIterator[SlackSandbox]:
    async with SlackSandbox(ack_window=5) as sandbox:
        sandbox.workspace.add_person(Person("U1", "ada", "Ada Lovelace"))
        sandbox.workspace.add_channel("C1", "approvals", ["U1"])
        yield sandbox


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


Socket = aiohttp.ClientWebSocketResponse


async def connect(slack: SlackSandbox, session: aiohttp.ClientSession) -> Socket:
    opened = await AsyncWebClient(base_url=slack.api_url).apps_connections_open(app_token=slack.app_token)
    socket = await session.ws_connect(opened["url"])
    hello = await socket.receive_json()
    assert hello["type"] == "hello"
    assert hello["connection_info"] == {"app_id": "A0CREDITBOT"}
    return socket


async def ack(socket: Socket, envelope: dict[str, Any], payload: dict[str, Any] | None = None) -> None:
    await socket.send_json({"envelope_id": envelope["envelope_id"], "payload": payload})


async def test_the_sdks_client_gets_payloads_and_answers_them(slack: SlackSandbox) -> None:
    client = SocketModeClient(
        app_token=slack.app_token, web_client=AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    )

    async def answer(client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        payload = {"text": f"{request.type}: {request.payload['text']}"}
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, payload))

    client.socket_mode_request_listeners.append(answer)
    await client.connect()  # type: ignore[no-untyped-call] # the SDK leaves it untyped
    await slack.wait_for_socket()
    try:
        delivery = await slack.command("U1", "/credits help", channel="C1")
        assert delivery.acked
        assert delivery.status is None
        assert slack.ephemerals("U1")[0].text == "slash_commands: help"
    finally:
        await client.close()  # type: ignore[no-untyped-call] # the SDK leaves it untyped


async def test_the_sdks_client_comes_again_when_asked(slack: SlackSandbox) -> None:
    client = SocketModeClient(
        app_token=slack.app_token, web_client=AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    )
    await client.connect()  # type: ignore[no-untyped-call] # the SDK leaves it untyped
    await slack.wait_for_socket()
    try:
        await slack.refresh_sockets()
        opened = "apps.connections.open"
        await slack.until(lambda: len([call for call in slack.calls if call.method == opened]) == 2)
    finally:
        await client.close()  # type: ignore[no-untyped-call] # the SDK leaves it untyped


async def test_an_envelope_says_that_it_takes_an_answer(
    slack: SlackSandbox, session: aiohttp.ClientSession
) -> None:
    socket = await connect(slack, session)
    command = asyncio.create_task(slack.command("U1", "/credits", channel="C1"))
    envelope = await socket.receive_json()
    assert envelope["type"] == "slash_commands"
    assert envelope["accepts_response_payload"]
    await ack(socket, envelope, {"text": "public", "response_type": "in_channel"})
    assert (await command).body == {"text": "public", "response_type": "in_channel"}
    assert [message.text for message in slack.messages("C1")] == ["public"]


async def test_payloads_are_spread_over_the_connections(
    slack: SlackSandbox, session: aiohttp.ClientSession
) -> None:
    sockets = [await connect(slack, session) for _ in range(2)]
    commands = [asyncio.create_task(slack.command("U1", "/credits", channel="C1")) for _ in range(2)]
    for socket in sockets:
        await ack(socket, await socket.receive_json())
    assert all(delivery.acked for delivery in await asyncio.gather(*commands))


async def test_an_envelope_goes_to_another_connection_when_its_own_dies(
    slack: SlackSandbox, session: aiohttp.ClientSession
) -> None:
    sockets = [await connect(slack, session) for _ in range(2)]
    command = asyncio.create_task(slack.command("U1", "/credits", channel="C1"))
    reads = {asyncio.create_task(socket.receive_json()): socket for socket in sockets}
    [first], [second] = await asyncio.wait(reads, return_when=asyncio.FIRST_COMPLETED)
    await reads[first].close()
    assert await second == first.result()
    await ack(reads[second], await second)
    assert (await command).acked


async def test_an_envelope_waits_for_a_connection_and_goes_out_three_times_at_most(
    slack: SlackSandbox, session: aiohttp.ClientSession
) -> None:
    socket = await connect(slack, session)
    command = asyncio.create_task(slack.command("U1", "/credits", channel="C1"))
    first = await socket.receive_json()
    for _ in range(2):
        await socket.close()
        socket = await connect(slack, session)
        assert await socket.receive_json() == first
    await socket.close()

    socket = await connect(slack, session)
    other = asyncio.create_task(slack.command("U1", "/credits other", channel="C1"))
    envelope = await socket.receive_json()
    assert envelope["payload"]["text"] == "other"
    await ack(socket, envelope)
    assert (await other).acked
    command.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await command


async def test_a_command_that_nobody_acknowledges_times_out(session: aiohttp.ClientSession) -> None:
    async with SlackSandbox(ack_window=0.05) as slack:
        slack.workspace.add_person(Person("U1", "ada", "Ada Lovelace"))
        slack.workspace.add_channel("C1", "approvals", ["U1"])
        socket = await connect(slack, session)
        delivery = await slack.command("U1", "/credits", channel="C1")
        assert (delivery.acked, delivery.error) == (False, "operation_timeout")
        assert "operation_timeout" in slack.ephemerals("U1")[0].text
        await ack(socket, await socket.receive_json(), {"text": "too late"})
        await socket.close()
        await slack.until(lambda: slack.sockets == 0)
        assert len(slack.ephemerals("U1")) == 1


async def test_a_payload_comes_again_in_the_same_envelope(
    slack: SlackSandbox, session: aiohttp.ClientSession
) -> None:
    socket = await connect(slack, session)
    command = asyncio.create_task(slack.command("U1", "/credits", channel="C1"))
    first = await socket.receive_json()
    await ack(socket, first)
    again = asyncio.create_task(slack.deliver_again(await command))
    assert await socket.receive_json() == first
    await ack(socket, first, {"text": "again"})
    assert (await again).acked
    assert [message.text for message in slack.ephemerals("U1")] == ["again"]


async def test_ten_connections_are_the_most(slack: SlackSandbox, session: aiohttp.ClientSession) -> None:
    sockets = [await connect(slack, session) for _ in range(10)]
    opened = await AsyncWebClient(base_url=slack.api_url).apps_connections_open(app_token=slack.app_token)
    refused = await session.ws_connect(opened["url"])
    assert (await refused.receive_json())["reason"] == "too_many_websockets"
    await sockets[0].close()
    await slack.until(lambda: slack.sockets == 9)
    await connect(slack, session)


async def test_a_connection_needs_a_ticket_of_its_own(
    slack: SlackSandbox, session: aiohttp.ClientSession
) -> None:
    opened = await AsyncWebClient(base_url=slack.api_url).apps_connections_open(app_token=slack.app_token)
    await session.ws_connect(opened["url"])
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await session.ws_connect(opened["url"])


async def test_what_is_no_ack_is_passed_over(slack: SlackSandbox, session: aiohttp.ClientSession) -> None:
    socket = await connect(slack, session)
    command = asyncio.create_task(slack.command("U1", "/credits", channel="C1"))
    envelope = await socket.receive_json()
    for junk in ("{", "[]", '{"envelope_id": "other"}', '{"envelope_id": []}', '"words"'):
        await socket.send_str(junk)
    await ack(socket, envelope)
    assert (await command).acked
