"""What comes in over HTTP: verified over its bytes first, and only then read."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from slack_bolt.adapter.asgi.http_request import AsgiHttpRequest
from slack_bolt.async_app import AsyncApp
from slack_sdk.signature import Clock, SignatureVerifier

from creditbot.service import uvicorn_config
from creditbot.web import (
    LARGEST_BODY,
    SLACK_PATH,
    UNREADABLE,
    UNSIGNED,
    WRONG_SIGNATURE,
    WRONG_TIME,
    Receive,
    UnfitRequest,
    VerifyingHandler,
    Web,
    check_signature,
    read_body,
    read_payload,
)

NOW = 1_769_074_200
SECRET = "made-up-signing-secret"
BODY = b"command=%2Fcredits&text=help"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


class Noon(Clock):
    def now(self) -> float:
        return float(NOW)


VERIFIER = SignatureVerifier(SECRET, Noon())


def signed(body: bytes, timestamp: str, secret: str = SECRET) -> dict[str, str]:
    base = b"v0:" + timestamp.encode() + b":" + body
    signature = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": timestamp, "x-slack-signature": signature}


def refused(body: bytes, headers: Mapping[str, str]) -> int:
    with pytest.raises(UnfitRequest) as caught:
        check_signature(VERIFIER, body, headers)
    return caught.value.status


@pytest.mark.parametrize("age", [0, 1, 299, 300, -1, -300])
def test_what_slack_signed_within_five_minutes_is_taken(age: int) -> None:
    check_signature(VERIFIER, BODY, signed(BODY, str(NOW - age)))


@pytest.mark.parametrize("age", [301, 86_400, NOW, -301, -86_400])
def test_what_was_signed_long_ago_or_in_the_future_is_refused(age: int) -> None:
    assert refused(BODY, signed(BODY, str(NOW - age))) == 401


@pytest.mark.parametrize(
    "timestamp",
    [
        "",
        "soon",
        "-5",
        "1e9",
        f"{NOW}.0",
        f" {NOW}",
        f"+{NOW}",
        "9" * 15,
        "9" * 5000,
        "".join(chr(0xFF10 + int(digit)) for digit in str(NOW)),
        "²",
        "nan",
        "1_0",
    ],
)
def test_a_timestamp_that_is_no_number_is_refused(timestamp: str) -> None:
    assert refused(BODY, signed(BODY, timestamp)) == 401


@pytest.mark.parametrize("missing", ["x-slack-request-timestamp", "x-slack-signature"])
def test_a_request_without_its_signature_or_time_is_refused(missing: str) -> None:
    headers = signed(BODY, str(NOW))
    del headers[missing]
    assert refused(BODY, headers) == 401
    assert refused(BODY, {}) == 401


@pytest.mark.parametrize("signature", ["", "v0=", "v0=é", "\xff", "v0=" + "0" * 64, "0" * 64])
def test_a_made_up_signature_is_refused(signature: str) -> None:
    assert refused(BODY, {**signed(BODY, str(NOW)), "x-slack-signature": signature}) == 401


def test_a_signature_by_another_secret_or_over_another_body_is_refused() -> None:
    assert refused(BODY, signed(BODY, str(NOW), "another secret")) == 401
    assert refused(BODY + b"x", signed(BODY, str(NOW))) == 401
    assert refused(BODY, signed(BODY, str(NOW - 1)) | {"x-slack-request-timestamp": str(NOW)}) == 401


def test_a_body_that_is_no_text_is_refused_even_if_signed() -> None:
    assert refused(b"\xff\xfe", signed(b"\xff\xfe", str(NOW))) == 401


def test_a_refused_request_learns_only_the_status() -> None:
    with pytest.raises(UnfitRequest) as caught:
        check_signature(VERIFIER, BODY, signed(BODY, str(NOW), "another secret"))
    assert caught.value.args == (401,)


@pytest.mark.parametrize(
    ("headers", "why", "about"),
    [
        (signed(BODY, str(NOW), "another secret"), WRONG_SIGNATURE, {}),
        (signed(BODY, str(NOW - 900), "another secret"), WRONG_SIGNATURE, {}),
        (signed(b"another body", str(NOW)), WRONG_SIGNATURE, {}),
        (signed(BODY, str(NOW - 412)), WRONG_TIME, {"seconds_behind": 412}),
        (signed(BODY, str(NOW + 7200)), WRONG_TIME, {"seconds_behind": -7200}),
        ({}, UNSIGNED, {}),
        ({"x-slack-request-timestamp": "soon", "x-slack-signature": "v0=0"}, UNSIGNED, {}),
        ({"x-slack-request-timestamp": str(NOW)}, UNSIGNED, {}),
    ],
)
def test_the_log_is_told_whether_it_is_the_secret_or_the_clock(
    headers: dict[str, str], why: str, about: dict[str, int]
) -> None:
    with pytest.raises(UnfitRequest) as caught:
        check_signature(VERIFIER, BODY, headers)
    assert (caught.value.why, caught.value.about) == (why, about)


async def posted(handler: VerifyingHandler, body: bytes, headers: Mapping[str, str]) -> int:
    scope: Any = {
        "type": "http",
        "method": "POST",
        "path": SLACK_PATH,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    return (await handler.dispatch(AsgiHttpRequest(scope, chunks(body)))).status


async def test_what_is_refused_is_logged_a_few_times_a_minute_and_counted() -> None:
    handler = VerifyingHandler(AsyncApp(signing_secret="", token="xoxb-made-up"), SECRET)
    now = str(int(time.time()))
    with structlog.testing.capture_logs() as logs:
        for _ in range(20):
            assert await posted(handler, BODY, signed(BODY, now, "another secret")) == 401
            assert await posted(handler, BODY, signed(BODY, "1000", SECRET)) == 401
            assert await posted(handler, b"nonsense=", signed(b"nonsense=", now)) == 404
            assert await posted(handler, b"payload=%7B", signed(b"payload=%7B", now)) == 400
    lines = [entry["event"] for entry in logs]
    assert [lines.count(why) for why in (WRONG_SIGNATURE, WRONG_TIME, UNREADABLE)] == [2, 2, 2]
    assert {entry["log_level"] for entry in logs} == {"warning"}
    assert {entry["error"] for entry in logs if entry["event"] == UNREADABLE} == {
        "of an unknown type",
        "neither a form nor JSON",
    }


@given(st.text(max_size=20), st.text(max_size=20), st.binary(max_size=20))
def test_no_header_gets_past_or_breaks_the_check(timestamp: str, signature: str, body: bytes) -> None:
    assert refused(body, {"x-slack-request-timestamp": timestamp, "x-slack-signature": signature}) == 401


def read_or_status(body: bytes, content_type: str) -> dict[str, Any] | int:
    try:
        return read_payload(body, content_type)
    except UnfitRequest as unfit:
        return unfit.status


@pytest.mark.parametrize(
    "text", ["add acme 10 payload campaign", "payload", "payload=", "payload={}", "a&payload=1"]
)
def test_a_command_may_have_the_word_payload_in_its_text(text: str) -> None:
    fields = {"command": "/credits", "text": text, "user_id": "U1"}
    assert read_payload(urlencode(fields).encode(), FORM) == fields


def test_a_command_keeps_its_empty_text_and_what_was_typed() -> None:
    fields = {"command": "/credits", "text": "", "channel_name": "Grüße & <x> +1 100%"}
    assert read_payload(urlencode(fields).encode(), f"{FORM}; charset=utf-8") == fields


def test_an_interaction_is_read_from_its_json() -> None:
    interaction = {"type": "block_actions", "user": {"id": "U1"}}
    assert read_payload(urlencode({"payload": json.dumps(interaction)}).encode(), FORM) == interaction


@pytest.mark.parametrize("content_type", [JSON, "application/json; charset=utf-8", "Application/JSON ;x"])
def test_an_event_is_read_from_its_json(content_type: str) -> None:
    assert read_payload(b'{"type": "url_verification"}', content_type) == {"type": "url_verification"}


BROKEN_JSON = [
    "",
    "{",
    "{}",
    "[]",
    '[{"type": "x"}]',
    "null",
    "5",
    '"x"',
    "NaN",
    "{'a': 1}",
    '{"a": }',
    "[" * 100_000,
    '{"a":' * 100_000,
    "9" * 5000,
    '{"a": ' + "9" * 5000 + "}",
]


@pytest.mark.parametrize("text", BROKEN_JSON, ids=lambda text: text[:8])
def test_json_that_is_broken_empty_or_no_object_is_answered_with_400(text: str) -> None:
    for body, content_type in ((text.encode(), JSON), (urlencode({"payload": text}).encode(), FORM)):
        with pytest.raises(UnfitRequest) as caught:
            read_payload(body, content_type)
        assert caught.value.status == 400


@pytest.mark.parametrize("body", [b"", b"&&", b"novalue", b"text=%FF", b"\xff", b"=", b"%"])
@pytest.mark.parametrize("content_type", [FORM, ""])
def test_a_form_that_cannot_be_read_is_answered_with_400_or_has_no_fields_of_slack(
    body: bytes, content_type: str
) -> None:
    assert read_or_status(body, content_type) in (400, {"novalue": ""}, {"": ""}, {"%": ""})


@given(
    st.binary(max_size=60) | st.text(max_size=40).map(str.encode),
    st.sampled_from([FORM, JSON, "", "text/plain"]),
)
def test_no_body_breaks_the_reading(body: bytes, content_type: str) -> None:
    payload = read_or_status(body, content_type)
    assert payload == 400 or isinstance(payload, dict)
    assert payload


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=6).filter(lambda name: name != "payload"),
        st.text(max_size=20),
        min_size=1,
    )
)
def test_every_form_is_read_as_it_was_sent(fields: dict[str, str]) -> None:
    assert read_payload(urlencode(fields).encode(), FORM) == fields


def chunks(*parts: bytes) -> Receive:
    """An ASGI receive that hands out a body in parts, and then a client that has gone."""
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": part, "more_body": n < len(parts)} for n, part in enumerate(parts, 1)
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    return receive


async def test_a_body_is_put_together_from_its_chunks() -> None:
    assert await read_body(chunks(b"a", b"", b"bc"), {}) == b"abc"
    assert await read_body(chunks(b""), {"content-length": "0"}) == b""
    assert (
        await read_body(chunks(b"x" * LARGEST_BODY), {"content-length": str(LARGEST_BODY)})
        == b"x" * LARGEST_BODY
    )


async def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_read() -> None:
    async def receive() -> dict[str, Any]:
        raise AssertionError("nothing should be read")

    with pytest.raises(UnfitRequest) as caught:
        await read_body(receive, {"content-length": str(LARGEST_BODY + 1)})
    assert caught.value.status == 413


@pytest.mark.parametrize(
    "headers", [{}, {"content-length": "5"}, {"content-length": "-1"}, {"content-length": "²"}]
)
async def test_a_body_that_turns_out_too_large_is_refused_whatever_it_said(headers: dict[str, str]) -> None:
    half = b"x" * (LARGEST_BODY // 2)
    handed_out = 0

    async def receive() -> dict[str, Any]:
        nonlocal handed_out
        handed_out += 1
        return {"type": "http.request", "body": half, "more_body": True}

    with pytest.raises(UnfitRequest) as caught:
        await read_body(receive, headers)
    assert caught.value.status == 413
    assert handed_out == 3


async def test_a_client_that_goes_before_its_body_has_come_is_not_waited_for() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(UnfitRequest) as caught:
        await read_body(receive, {})
    assert caught.value.status == 400


def test_no_websocket_is_spoken_even_if_a_library_for_it_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("uvicorn.protocols.websockets.auto.AutoWebSocketsProtocol", asyncio.Protocol)
    config = uvicorn_config(Web(None, {}))
    config.load()
    assert config.ws_protocol_class is None
