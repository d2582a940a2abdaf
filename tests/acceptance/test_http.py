"""HTTP: nothing is answered without Slack's signature, and what can't be read is a 4xx."""

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import aiohttp
import pytest

from .company import Company
from .conftest import over_http

pytestmark = over_http


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def signed(secret: str, body: bytes, at: float | None = None) -> dict[str, str]:
    timestamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={digest}",
        "Content-Type": "application/x-www-form-urlencoded",
    }


COMMAND = urlencode(
    {
        "command": "/credits",
        "text": "help",
        "user_id": "U0ALICE",
        "channel_id": "C0GENERAL",
        "trigger_id": "1.2.3",
        "response_url": "http://127.0.0.1:9/x",
    }
).encode()


async def post(company: Company, session: aiohttp.ClientSession, body: bytes, headers: dict[str, str]) -> int:
    async with session.post(f"{company.bot.url}/slack/events", data=body, headers=headers) as answer:
        return answer.status


async def test_signature_and_time_are_checked(company: Company, session: aiohttp.ClientSession) -> None:
    secret, now = company.slack.signing_secret, time.time()
    assert await post(company, session, COMMAND, signed(secret, COMMAND)) == 200
    assert await post(company, session, COMMAND, {}) == 401
    assert await post(company, session, COMMAND, signed("another secret", COMMAND)) == 401
    assert await post(company, session, COMMAND + b"x", signed(secret, COMMAND)) == 401
    assert await post(company, session, COMMAND, signed(secret, COMMAND, now - 301)) == 401
    assert await post(company, session, COMMAND, signed(secret, COMMAND, now + 302)) == 401
    odd = signed(secret, COMMAND) | {"X-Slack-Request-Timestamp": "soon"}
    assert await post(company, session, COMMAND, odd) == 401
    assert await post(company, session, b"\xff\xfe", {}) == 401
    assert await post(company, session, b"ssl_check=1", {}) == 401
    log = [json.loads(line) for line in company.log().splitlines() if "was refused" in line]
    assert {line["event"].partition(";")[0].partition(".")[0] for line in log} == {
        "A request without a signature was refused",
        "A request was refused: its signature does not match SLACK_SIGNING_SECRET",
        "A request was refused: its signature is right, but its timestamp is far from this machine's clock",
    }
    seconds = [line["seconds_behind"] for line in log if "seconds_behind" in line]
    assert len(seconds) == 2
    assert seconds[0] > 300
    assert seconds[1] < -300


async def test_whoever_signs_nothing_gets_a_status_from_slacks_route_and_no_word(
    company: Company, session: aiohttp.ClientSession
) -> None:
    url, large = f"{company.bot.url}/slack/events", b"x" * 1_000_001
    for method, body, status in (
        ("POST", COMMAND, 401),
        ("POST", b"nonsense", 401),
        ("POST", large, 413),
        ("GET", b"", 405),
        ("PUT", COMMAND, 405),
    ):
        for headers in ({}, signed("another secret", body)):
            async with session.request(method, url, data=body, headers=headers) as answer:
                assert (answer.status, await answer.read()) == (status, b"")
    assert await company.requests() == []


NONSENSE = [
    b"",
    b"nonsense",
    b"payload=",
    b"payload=%7B",
    b"payload=[]",
    b"payload=1",
    b"payload=" + b"[" * 50_000,
    urlencode({"payload": json.dumps({"type": "block_actions"})}).encode(),
    urlencode({"payload": json.dumps({"type": "block_actions", "actions": []})}).encode(),
    urlencode(
        {"payload": json.dumps({"type": "block_actions", "actions": [{"action_id": "approve"}]})}
    ).encode(),
    urlencode(
        {"payload": json.dumps({"type": "block_actions", "actions": [{"action_id": "nobody's"}]})}
    ).encode(),
    urlencode({"payload": json.dumps({"type": "view_submission", "view": {"callback_id": "ask"}})}).encode(),
    urlencode(
        {"payload": json.dumps({"type": "view_submission", "view": {"callback_id": "other"}})}
    ).encode(),
    urlencode({"command": "/other", "text": ""}).encode(),
    urlencode({"command": "/credits", "text": ""}).encode(),
    urlencode({"command": "/credits", "text": "add acme 5 x", "user_id": "U0ALICE"}).encode(),
]


async def test_signed_nonsense_is_a_4xx_and_changes_nothing(
    company: Company, session: aiohttp.ClientSession
) -> None:
    for body in NONSENSE:
        status = await post(company, session, body, signed(company.slack.signing_secret, body))
        assert 400 <= status < 500, body[:100]
    assert await company.requests() == []
    assert "Traceback" not in company.log()


async def test_a_body_that_is_too_large_is_not_read(company: Company, session: aiohttp.ClientSession) -> None:
    body = b"x" * 1_000_001
    assert await post(company, session, body, signed(company.slack.signing_secret, body)) == 413


async def test_the_probes_answer(company: Company, session: aiohttp.ClientSession) -> None:
    await company.ask()
    for path, status, text in (
        ("/healthz", 200, "alive"),
        ("/readyz", 200, "ready"),
        ("/metrics", 200, 'creditbot_requests{status="pending"} 1'),
        ("/", 404, "Not found"),
    ):
        async with session.get(f"{company.bot.url}{path}") as answer:
            assert answer.status == status
            assert text in await answer.text()


async def test_the_probes_tell_anyone_how_many_requests_there_are_and_nothing_about_them(
    company: Company, session: aiohttp.ClientSession
) -> None:
    await company.ask()
    lines = []
    for path in ("/healthz", "/readyz", "/metrics"):
        async with session.get(f"{company.bot.url}{path}") as answer:
            lines += [line for line in (await answer.text()).splitlines() if not line.startswith("#")]
    assert lines == ["alive", "ready", 'creditbot_requests{status="pending"} 1']
