"""What Slack's errors mean for the next try, and for what may stand in the channel already."""

import re
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

import creditbot
from creditbot.jobs.messenger import Fault
from creditbot.slack.connection import WRONG_TOKEN
from creditbot.slack.errors import FAULTS
from creditbot.slack.messenger import problem
from tests.slack_errors import DOCUMENTED


def failed(status: int, body: Any, **headers: str) -> SlackApiError:
    """As slack_sdk raises it; `body` is a dict for JSON, a str for plain text, and empty for the rest."""
    response = AsyncSlackResponse(
        client=AsyncWebClient(),
        http_verb="POST",
        api_url="https://slack.com/api/chat.postMessage",
        req_args={},
        data=body,
        headers=headers,
        status_code=status,
    )
    return SlackApiError("It failed.", response)  # type: ignore[no-untyped-call]  # slack_sdk has no type here


def said(error: str) -> SlackApiError:
    return failed(200, {"ok": False, "error": error})


@pytest.mark.parametrize("method", DOCUMENTED)
def test_each_error_that_slack_documents_has_its_place(method: str) -> None:
    assert DOCUMENTED[method] - FAULTS.keys() == set()


def test_the_documented_methods_are_those_that_are_called() -> None:
    source = "\n".join(path.read_text() for path in (Path(creditbot.__file__).parent / "slack").glob("*.py"))
    methods = {name for name in dir(AsyncWebClient) if re.match("[a-z]+_[a-z]", name)}
    called = {name for name in re.findall(r"client\.(\w+)\(", source) if name in methods}
    # apps.connections.open is called by slack_sdk's own client of Socket Mode.
    assert called | {"apps_connections_open"} == {method.replace(".", "_") for method in DOCUMENTED}


def test_a_token_that_is_refused_at_the_start_is_the_app_s_matter() -> None:
    assert {FAULTS[code] for code in WRONG_TOKEN} == {Fault.APP}


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (said("ratelimited"), Fault.PASSING),
        (said("internal_error"), Fault.PASSING),
        (said("is_archived"), Fault.CHANNEL),
        (said("restricted_action"), Fault.CHANNEL),
        (said("restricted_action_read_only_channel"), Fault.CHANNEL),
        (said("restricted_action_thread_only_channel"), Fault.CHANNEL),
        # It is the bot's own account that is inactive, and whoever runs it may mend that at any moment.
        (said("account_inactive"), Fault.APP),
        (said("missing_scope"), Fault.APP),
        (said("user_not_found"), Fault.PERSON),
        (said("messages_tab_disabled"), Fault.PERSON),
        (said("message_not_found"), Fault.GONE),
        (said("edit_window_closed"), Fault.GONE),
        (said("invalid_blocks"), Fault.OURS),
        (said("msg_too_long"), Fault.OURS),
        (said("an_error_of_next_year"), Fault.APP),
        (failed(503, "upstream connect error"), Fault.PASSING),
        (failed(429, "slow down"), Fault.PASSING),
        (failed(407, "who are you?"), Fault.APP),
        (TimeoutError(), Fault.PASSING),
        (ConnectionResetError(), Fault.PASSING),
    ],
)
def test_what_an_error_means_for_the_next_try(error: Exception, fault: Fault) -> None:
    assert problem(error).fault is fault


def test_a_direct_message_that_has_no_channel_has_nobody_to_read_it() -> None:
    assert problem(said("channel_not_found")).fault is Fault.CHANNEL
    assert problem(said("channel_not_found"), direct=True).fault is Fault.PERSON
    assert problem(said("restricted_action"), direct=True).fault is Fault.CHANNEL


@pytest.mark.parametrize("error", ["not_in_channel", "channel_not_found", "account_inactive", "ratelimited"])
def test_slacks_own_no_means_that_nothing_was_posted(error: str) -> None:
    assert problem(said(error)).not_done


def test_a_rate_limit_means_that_nothing_was_posted_whatever_its_body() -> None:
    for body in ({"ok": False, "error": "ratelimited"}, {}, "slow down"):
        found = problem(failed(429, body, **{"Retry-After": "3"}))
        assert (found.not_done, found.wait) == (True, 3.0)


@pytest.mark.parametrize(
    "error",
    [
        said("internal_error"),
        said("fatal_error"),
        failed(503, {}),
        failed(503, "upstream connect error"),
        failed(500, {"ok": False, "error": "not_in_channel"}),
        failed(200, {}),
        TimeoutError(),
        ConnectionResetError(),
    ],
)
def test_whatever_else_goes_wrong_it_may_have_been_posted(error: Exception) -> None:
    assert not problem(error).not_done


def test_an_answer_that_is_not_slacks_is_named_by_its_status() -> None:
    assert problem(failed(503, "upstream connect error")).detail == "HTTP 503"
