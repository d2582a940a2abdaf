"""What Slack's errors mean for the next try, and for what may stand in the channel already."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from creditbot.slack.messenger import SELDOM, problem


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


def test_a_token_that_slack_does_not_take_now_is_tried_again_like_any_outage() -> None:
    # It is the bot's own account that is inactive, and whoever runs it may mend that at any moment.
    assert problem(said("account_inactive")).wait is None


@pytest.mark.parametrize("error", ["user_not_found", "cannot_dm_bot"])
def test_a_person_who_cannot_be_told_is_tried_seldom(error: str) -> None:
    assert problem(said(error)).wait == SELDOM


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
