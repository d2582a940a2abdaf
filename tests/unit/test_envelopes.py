"""What comes over Socket Mode is an envelope or goes no further."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditbot.slack.envelopes import check_message
from creditbot.slack.payloads import UnreadablePayload

ENVELOPE: dict[str, Any] = {
    "type": "interactive",
    "envelope_id": "1-2",
    "payload": {"type": "block_actions"},
    "accepts_response_payload": True,
}


@pytest.mark.parametrize(
    "message",
    [ENVELOPE, {"type": "hello", "num_connections": 1}, {"type": "disconnect", "reason": "warning"}, {}],
)
def test_what_slack_sends_is_passed_on(message: dict[str, Any]) -> None:
    check_message(json.dumps(message))


@pytest.mark.parametrize(
    "message",
    ["", "{", "hello", "null", "5", "[]", '"{}"', "\ufeff{}", "[" * 100_000, '{"a":' * 100_000, "9" * 5000],
    ids=lambda message: message[:8],
)
def test_what_is_no_json_object_is_not(message: str) -> None:
    with pytest.raises(UnreadablePayload):
        check_message(message)


@pytest.mark.parametrize("part", ["type", "envelope_id", "payload"])
@pytest.mark.parametrize("value", [None, True, 5, "", [], [[]]], ids=str)
def test_a_payload_that_could_not_be_acked_is_not(part: str, value: object) -> None:
    with pytest.raises(UnreadablePayload):
        check_message(json.dumps(ENVELOPE | {part: value}))


@pytest.mark.parametrize("part", ["type", "envelope_id"])
def test_nor_is_one_without_its_envelope(part: str) -> None:
    with pytest.raises(UnreadablePayload):
        check_message(json.dumps({name: value for name, value in ENVELOPE.items() if name != part}))


@given(st.text())
def test_no_text_breaks_the_check(message: str) -> None:
    try:
        check_message(message)
    except UnreadablePayload:
        return
    assert isinstance(json.loads(message), dict)
