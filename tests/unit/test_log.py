"""Whatever is logged, and however, no secret is written."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import aiohttp
import pytest
import structlog
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from creditbot.log import configure
from creditbot.slack.errors import error_code

TOKEN, KEY = "xoxb-17-made-up", "SG.made-up.key"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(params=[io.StringIO, Terminal], ids=["json", "terminal"])
def written(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What lands on standard error, in both renderings."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream: io.StringIO = request.param()
    monkeypatch.setattr(sys, "stderr", stream)
    configure("INFO", [TOKEN, KEY, "", "e"])
    yield stream
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = handlers
    root.setLevel(level)


def assert_redacted(written: io.StringIO, event: str) -> None:
    text = written.getvalue()
    assert event in text
    assert "[redacted]" in text
    assert TOKEN not in text
    assert KEY not in text


def fail() -> None:
    raise ValueError(f"refused {KEY}")


def test_secrets_in_an_event_and_its_values_are_taken_out(written: io.StringIO) -> None:
    structlog.get_logger("creditbot").info(f"sent with {TOKEN}", key=KEY, inside={"a": [TOKEN, {"b": KEY}]})
    assert_redacted(written, "sent with")


def test_secrets_in_the_context_are_taken_out(written: io.StringIO) -> None:
    structlog.contextvars.bind_contextvars(token=TOKEN)
    structlog.get_logger("creditbot").bind(key=KEY).warning("bound")
    assert_redacted(written, "bound")


def test_secrets_in_a_standard_record_and_its_arguments_are_taken_out(written: io.StringIO) -> None:
    logging.getLogger("elsewhere").warning("called with %s and %r", TOKEN, {"key": KEY})
    assert_redacted(written, "called with")


def test_secrets_in_a_traceback_are_taken_out(written: io.StringIO) -> None:
    try:
        fail()
    except ValueError:
        structlog.get_logger("creditbot").exception("broke", token=TOKEN)
    assert_redacted(written, "broke")
    assert "Traceback" in written.getvalue()
    assert "ValueError: refused [redacted]" in written.getvalue()


def test_secrets_in_a_standard_traceback_are_taken_out(written: io.StringIO) -> None:
    try:
        fail()
    except ValueError:
        logging.getLogger("elsewhere").exception("broke")
    assert_redacted(written, "broke")
    assert "ValueError: refused [redacted]" in written.getvalue()


def test_a_secret_that_is_part_of_a_longer_word_is_taken_out(written: io.StringIO) -> None:
    structlog.get_logger("creditbot").info("header", value=f"Bearer{KEY}.")
    assert "Bearer[redacted]." in written.getvalue()


def test_the_ticket_in_a_websockets_address_is_taken_out(written: io.StringIO) -> None:
    url = URL("wss://wss-primary.slack.com/link/?ticket=made-up-ticket&app_id=made-up-app")
    about = aiohttp.RequestInfo(url, "GET", CIMultiDictProxy(CIMultiDict()), url)
    error = aiohttp.WSServerHandshakeError(about, (), status=503, message="Unavailable")

    structlog.get_logger("creditbot").warning("not opened", error=error_code(error))
    logging.getLogger("slack_sdk.socket_mode").error("Failed to connect (error: %s); Retrying...", error)
    try:
        raise error
    except aiohttp.ClientError:
        logging.getLogger("slack_sdk.socket_mode").exception("Failed to connect")

    text = written.getvalue()
    assert "made-up" not in text
    assert text.count("wss://wss-primary.slack.com/link/?[redacted]") == 3
    assert text.count("Unavailable") == 3


def test_the_level_is_kept(written: io.StringIO) -> None:
    structlog.get_logger("creditbot").debug("too fine")
    logging.getLogger("elsewhere").debug("too fine")
    assert written.getvalue() == ""


@pytest.mark.parametrize("name", ["httpx", "slack_sdk.web.async_client", "slack_bolt", "uvicorn.access"])
def test_libraries_that_log_requests_are_quiet(written: io.StringIO, name: str) -> None:
    logging.getLogger(name).info("POST https://slack.com/api/chat.postMessage")
    assert written.getvalue() == ""


def test_a_value_too_short_to_be_a_secret_does_not_blot_out_the_log(written: io.StringIO) -> None:
    structlog.get_logger("creditbot").info("every event is here")
    assert "every event is here" in written.getvalue()


@pytest.mark.parametrize("written", [io.StringIO], indirect=True)
def test_anything_but_a_terminal_gets_one_line_of_json_an_event(written: io.StringIO) -> None:
    structlog.get_logger("creditbot").info("one", request_id=12)
    logging.getLogger("elsewhere").error("two\nlines")
    events = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [event["event"] for event in events] == ["one", "two\nlines"]
    assert [event["level"] for event in events] == ["info", "error"]
    assert [event["logger"] for event in events] == ["creditbot", "elsewhere"]
    assert events[0]["request_id"] == 12
    assert events[0]["timestamp"].endswith("Z")
