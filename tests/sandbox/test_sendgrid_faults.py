"""What each fault does to a real client, and to the ledger."""

import asyncio
import errno
from collections.abc import AsyncIterator

import aiohttp
import pytest

from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser
from creditbot.sandbox.sendgrid.faults import HeaderCase, Kind


@pytest.fixture
async def sendgrid() -> AsyncIterator[SendGridSandbox]:
    async with SendGridSandbox() as sandbox:
        sandbox.account.add_subuser(Subuser("acme", type="nonrecurring", remain=100))
        sandbox.account.add_subuser(Subuser("other", type="nonrecurring", remain=100))
        yield sandbox


@pytest.fixture
async def client(sendgrid: SendGridSandbox) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {sendgrid.api_key}"}
    async with aiohttp.ClientSession(sendgrid.url, headers=headers) as session:
        yield session


async def update(client: aiohttp.ClientSession, username: str = "acme") -> tuple[int, bytes]:
    """One update of 5; returns status and body."""
    path = f"/v3/subusers/{username}/credits/remaining"
    async with client.patch(path, json={"allocation_update": 5}) as answer:
        return answer.status, await answer.read()


async def read(client: aiohttp.ClientSession, username: str = "acme") -> int:
    async with client.get(f"/v3/subusers/{username}/credits") as answer:
        return answer.status


@pytest.mark.parametrize(("kind", "applied"), [("drop_before", []), ("drop_after", [5])])
async def test_a_dropped_connection_leaves_the_client_without_an_answer(
    sendgrid: SendGridSandbox, client: aiohttp.ClientSession, kind: Kind, applied: list[int]
) -> None:
    sendgrid.faults.add(kind)

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await update(client)

    assert sendgrid.account.applied("acme") == applied
    assert (sendgrid.calls[-1].status, sendgrid.calls[-1].fault) == (None, kind)
    assert (await update(client))[0] == 200


@pytest.mark.parametrize(("applied", "ledger"), [(False, []), (True, [5])])
async def test_a_reset_connection_fails_in_the_client_as_a_reset(
    sendgrid: SendGridSandbox, client: aiohttp.ClientSession, applied: bool, ledger: list[int]
) -> None:
    sendgrid.faults.add("reset_connection", applied=applied)

    with pytest.raises(aiohttp.ClientOSError) as error:
        await update(client)

    assert error.value.errno == errno.ECONNRESET
    assert sendgrid.account.applied("acme") == ledger


@pytest.mark.parametrize(("kind", "applied"), [("hang_before", []), ("hang_after", [5])])
async def test_a_hanging_request_ends_when_the_client_leaves(
    sendgrid: SendGridSandbox, client: aiohttp.ClientSession, kind: Kind, applied: list[int]
) -> None:
    sendgrid.faults.add(kind, seconds=600)
    heard: list[str] = []
    sendgrid.subscribe(lambda change: heard.append(change.topic))

    waiting = asyncio.create_task(update(client))
    await sendgrid.until(lambda: sendgrid.calls and sendgrid.calls[-1].fault == kind)
    waiting.cancel()
    await sendgrid.until(lambda: "answer" in heard)

    assert sendgrid.account.applied("acme") == applied
    assert sendgrid.calls[-1].status is None


async def test_a_hanging_request_is_closed_when_its_time_is_over(
    sendgrid: SendGridSandbox, client: aiohttp.ClientSession
) -> None:
    sendgrid.faults.add("hang_before", seconds=0)

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await update(client)

    assert sendgrid.account.ledger == []


@pytest.mark.parametrize("kind", ["hang_after", "slow"])
async def test_stopping_does_not_wait_for_what_waits(kind: Kind) -> None:
    async with SendGridSandbox() as sendgrid, aiohttp.ClientSession(sendgrid.url) as client:
        sendgrid.faults.add(kind, seconds=600)
        waiting = asyncio.create_task(update(client))
        await sendgrid.until(lambda: sendgrid.calls)
        await sendgrid.stop()

        with pytest.raises(aiohttp.ClientConnectionError):
            await waiting


@pytest.mark.parametrize(("kind", "applied"), [("status_before", []), ("status_after", [5])])
async def test_an_error_status_says_nothing_of_what_was_applied(
    sendgrid: SendGridSandbox, client: aiohttp.ClientSession, kind: Kind, applied: list[int]
) -> None:
    sendgrid.faults.add(kind)

    status, body = await update(client)

    assert (status, b"errors" in body) == (500, True)
    assert sendgrid.account.applied("acme") == applied
    assert sendgrid.calls[-1].status == 500


async def test_an_error_may_have_any_status_and_body(
    sendgrid: SendGridSandbox, client: aiohttp.ClientSession
) -> None:
    sendgrid.faults.add("status_before", status=451, body=b"<html>")
    sendgrid.faults.add("status_before", status=408, body={"id": "x"})

    assert await update(client) == (451, b"<html>")
    assert await update(client) == (408, b'{"id": "x"}')


@pytest.mark.parametrize(("kind", "applied"), [("garbage_before", []), ("garbage_after", [5])])
async def test_garbage_is_a_success_that_can_not_be_read(
    sendgrid: SendGridSandbox, client: aiohttp.ClientSession, kind: Kind, applied: list[int]
) -> None:
    sendgrid.faults.add(kind)

    path = "/v3/subusers/acme/credits/remaining"
    async with client.patch(path, json={"allocation_update": 5}) as answer:
        assert answer.status == 200
        with pytest.raises(ValueError, match="Unterminated string"):
            await answer.json()

    assert sendgrid.account.applied("acme") == applied


async def test_a_truncated_answer_is_applied(
    sendgrid: SendGridSandbox, client: aiohttp.ClientSession
) -> None:
    sendgrid.faults.add("truncate_after")

    with pytest.raises(aiohttp.ClientPayloadError):
        await update(client)

    assert sendgrid.account.applied("acme") == [5]
    await sendgrid.until(lambda: sendgrid.calls[-1].status == 200)


@pytest.mark.parametrize("reset", [3, 1_900_000_000])
async def test_a_rate_limit_may_be_in_seconds_or_an_epoch(
    sendgrid: SendGridSandbox, client: aiohttp.ClientSession, reset: int
) -> None:
    sendgrid.faults.add("rate_limit", reset=reset)

    async with client.patch("/v3/subusers/acme/credits/remaining", json={"allocation_update": 5}) as answer:
        assert answer.status == 429
        assert answer.headers["X-RateLimit-Remaining"] == "0"
        assert answer.headers["X-RateLimit-Reset"] == str(reset)

    assert sendgrid.account.ledger == []


@pytest.mark.parametrize(
    ("case", "name"),
    [
        ("documented", b"X-RateLimit-Limit"),
        ("lower", b"x-ratelimit-limit"),
        ("upper", b"X-RATELIMIT-LIMIT"),
    ],
)
async def test_the_case_of_rate_limit_headers_varies_on_the_wire(
    sendgrid: SendGridSandbox, client: aiohttp.ClientSession, case: HeaderCase, name: bytes
) -> None:
    sendgrid.faults.add("rate_limit", reset=None, header_case=case)

    async with client.patch("/v3/subusers/acme/credits/remaining", json={"allocation_update": 5}) as answer:
        assert name in [header for header, _ in answer.raw_headers]
        assert "X-RateLimit-Reset" not in answer.headers


async def test_a_rate_limit_has_a_reset_unless_told_otherwise(
    sendgrid: SendGridSandbox, client: aiohttp.ClientSession
) -> None:
    sendgrid.faults.add("rate_limit", method="GET")

    async with client.get("/v3/user/credits") as answer:
        assert int(answer.headers["X-RateLimit-Reset"]) > 1e9


async def test_a_slow_answer_is_a_normal_one(
    sendgrid: SendGridSandbox, client: aiohttp.ClientSession
) -> None:
    sendgrid.faults.add("slow", seconds=0)

    assert (await update(client))[0] == 200
    assert sendgrid.account.applied("acme") == [5]


async def test_a_slow_update_is_applied_after_the_client_has_left(
    sendgrid: SendGridSandbox, client: aiohttp.ClientSession
) -> None:
    sendgrid.faults.add("slow", seconds=1)
    heard: list[str] = []
    sendgrid.subscribe(lambda change: heard.append(change.topic))

    waiting = asyncio.create_task(update(client))
    await sendgrid.until(lambda: sendgrid.calls)
    waiting.cancel()
    await sendgrid.until(lambda: "answer" in heard)

    assert sendgrid.account.applied("acme") == [5]
    assert sendgrid.calls[-1].status is None


async def test_refused_connections_never_reach_the_sandbox(
    sendgrid: SendGridSandbox, client: aiohttp.ClientSession
) -> None:
    assert await read(client) == 200  # leaves a connection open, which has to close too
    sendgrid.faults.add("refuse", seconds=600)

    with pytest.raises(aiohttp.ClientConnectionError):
        await update(client)
    with pytest.raises(aiohttp.ClientConnectorError):
        await update(client)

    assert [call.method for call in sendgrid.calls] == ["GET"]


@pytest.mark.parametrize("seconds", [0, 600])
async def test_connections_are_accepted_again_on_the_same_port(
    sendgrid: SendGridSandbox, client: aiohttp.ClientSession, seconds: float
) -> None:
    url = sendgrid.url
    sendgrid.faults.add("refuse", seconds=600)
    with pytest.raises(aiohttp.ClientConnectorError):
        await update(client)

    if seconds:
        sendgrid.faults.clear()
    else:
        sendgrid.faults.add("refuse", seconds=0)
    async with asyncio.timeout(10):
        while not sendgrid.account.ledger:
            try:
                await update(client)
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.01)

    assert sendgrid.url == url


@pytest.mark.parametrize("clear_first", [True, False])
async def test_a_sandbox_that_refuses_can_be_stopped(clear_first: bool) -> None:
    async with SendGridSandbox() as sendgrid:
        sendgrid.faults.add("refuse", seconds=600)
        if clear_first:
            sendgrid.faults.clear()


async def test_a_sandbox_that_is_down_answers_nothing_else(
    sendgrid: SendGridSandbox, client: aiohttp.ClientSession
) -> None:
    sendgrid.faults.down = True
    sendgrid.faults.add("drop_after")

    assert (await update(client))[0] == 503
    assert await read(client) == 503

    assert sendgrid.account.ledger == []
    sendgrid.faults.clear()
    assert (await update(client))[0] == 200


async def test_faults_meet_only_the_requests_that_they_match(
    sendgrid: SendGridSandbox, client: aiohttp.ClientSession
) -> None:
    sendgrid.faults.add("status_before", username="acme")

    assert await read(client) == 200
    assert (await update(client, "other"))[0] == 200
    assert (await update(client, "acme"))[0] == 500
    assert (await update(client, "acme"))[0] == 200


async def test_faults_match_reads_on_behalf_of_a_subuser(
    sendgrid: SendGridSandbox, client: aiohttp.ClientSession
) -> None:
    sendgrid.faults.add("status_before", method="GET", username="acme")

    statuses = []
    for headers in ({}, {"on-behalf-of": "other"}, {"on-behalf-of": "acme"}):
        async with client.get("/v3/user/credits", headers=headers) as answer:
            statuses.append(answer.status)

    assert statuses == [200, 200, 500]


async def test_faults_are_used_in_order_and_as_often_as_told(
    sendgrid: SendGridSandbox, client: aiohttp.ClientSession
) -> None:
    sendgrid.faults.add("status_before", method=None, status=500, times=2)
    sendgrid.faults.add("status_after", method=None, status=502)

    statuses = [(await update(client))[0] for _ in range(4)]

    assert statuses == [500, 500, 502, 200]
    assert sendgrid.account.applied("acme") == [5, 5]
    assert sendgrid.faults.pending == []


async def test_a_fault_refuses_options_that_are_not_its_own(sendgrid: SendGridSandbox) -> None:
    with pytest.raises(ValueError, match="takes no seconds"):
        sendgrid.faults.add("drop_after", seconds=3)
    with pytest.raises(ValueError, match="no fault"):
        sendgrid.faults.add("explode")  # type: ignore[arg-type]  # the mistake under test
