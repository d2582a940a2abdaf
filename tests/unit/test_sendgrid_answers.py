"""SendGrid's answers, as its documentation shows them and as they should never be.

Samples, one file an answer: the examples of the OpenAPI files of twilio/sendgrid-oai. Those with nulls or
without keys follow the schemas; errors for 403, 404, 429 and 451 have the same shape, and words of ours.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditbot.domain.credits import Applied, Balance, InDoubt, RateLimited, Refused, SubuserCredits
from creditbot.sendgrid.answers import (
    rate_limit_wait,
    read_balance,
    read_errors,
    read_subuser_credits,
    read_usernames,
)
from creditbot.sendgrid.outcomes import KEPT_BODY, read_patch_answer
from creditbot.sendgrid.problems import explain, problem, says_no_such_user
from creditbot.sendgrid.scopes import SCOPE_CREDITS, SCOPE_UPDATE

SAMPLES = Path(__file__).parent.parent / "samples"
NOW = 1_769_074_200.0

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["remain", "total", "used", "type", "errors", "message", "username"])
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def sample(name: str) -> str:
    return (SAMPLES / f"{name}.json").read_text(encoding="utf-8")


def document(name: str) -> Any:
    return json.loads(sample(name))


def test_a_balance_is_read_as_documented() -> None:
    assert read_balance(document("user_credits")) == Balance(
        200, 200, 0, 0, "2013-01-01", "2013-02-01", "monthly"
    )


def test_a_balance_of_nulls_or_without_keys_is_read_as_not_known() -> None:
    assert read_balance(document("user_credits_nulls")) == Balance()
    assert read_balance(document("user_credits_missing_keys")) == Balance(remain=12)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("subuser_credits_recurring", SubuserCredits("recurring", "monthly", 99, 100, 1)),
        ("subuser_credits_nonrecurring", SubuserCredits("nonrecurring", None, 5000, None, None)),
        ("subuser_credits_unlimited", SubuserCredits("unlimited", None, None, None, None)),
        ("subuser_credits_missing_keys", SubuserCredits("unlimited")),
    ],
)
def test_each_kind_of_credits_is_read_with_its_nulls(name: str, expected: SubuserCredits) -> None:
    assert read_subuser_credits(document(name)) == expected


def test_nothing_is_made_up_for_a_zero() -> None:
    assert read_subuser_credits({"type": "nonrecurring", "remain": 0}).remain == 0
    assert read_balance({"remain": 0, "overage": 0}) == Balance(remain=0, overage=0)


@pytest.mark.parametrize("value", [True, False, "100", "", 1.5, [], {}, None, float("nan"), float("inf")])
def test_what_is_no_whole_number_is_not_taken_for_one(value: object) -> None:
    assert read_balance({"remain": value}).remain is None
    assert read_subuser_credits({"remain": value}).remain is None


def test_a_whole_number_with_a_decimal_point_is_one() -> None:
    assert read_balance({"remain": 100.0}).remain == 100


def test_usernames_are_read_from_the_list() -> None:
    assert read_usernames(document("subusers")) == ["example_subuser", "example_subuser2"]
    assert read_usernames([{"username": None}, {}, "x", {"username": "acme"}]) == ["acme"]


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("error_400_no_user", ["No user found"]),
        ("error_400_several", ["username exists", "unable to validate IPs at this time"]),
        ("error_401", ["authorization required"]),
        ("error_help_and_id", ["access forbidden"]),
        ("error_without_message", []),
    ],
)
def test_the_messages_of_an_error_are_read(name: str, messages: list[str]) -> None:
    assert read_errors(sample(name)) == messages


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>",
        "null",
        "1",
        "[]",
        "{}",
        '"x"',
        '{"errors": null}',
        '{"errors": 5}',
        '{"errors": "x"}',
        '{"errors": {"message": "x"}}',
        '{"errors": ["x"]}',
        '{"errors": [null]}',
        '{"errors": [{"message": 5}]}',
    ],
)
def test_an_error_body_in_another_shape_has_no_messages(body: str) -> None:
    assert read_errors(body) == []


@pytest.mark.parametrize(
    "name", ["patch_remaining", "subuser_credits_nonrecurring", "subuser_credits_unlimited"]
)
def test_a_readable_200_is_success_and_keeps_what_sendgrid_said(name: str) -> None:
    outcome = read_patch_answer(200, {}, sample(name), NOW)
    assert outcome == Applied(read_subuser_credits(document(name)), sample(name))


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        "[]",
        "null",
        "true",
        "5",
        '"remain"',
        "<html>ok</html>",
        '{"remain": 5',
        '["remain"]',
        "\x00",
    ],
)
def test_a_200_that_cannot_be_read_leaves_a_doubt(body: str) -> None:
    assert isinstance(read_patch_answer(200, {}, body, NOW), InDoubt)


def test_an_error_under_a_200_leaves_a_doubt() -> None:
    assert isinstance(read_patch_answer(200, {}, sample("error_400_no_user"), NOW), InDoubt)


@pytest.mark.parametrize(
    ("status", "name"), [(400, "400_no_user"), (401, "401"), (403, "403"), (404, "404"), (451, "451")]
)
def test_a_4xx_is_a_certain_no_in_sendgrids_own_words(status: int, name: str) -> None:
    body = sample(f"error_{name}")
    outcome = read_patch_answer(status, {}, body, NOW)
    assert isinstance(outcome, Refused)
    assert (outcome.status, outcome.body) == (status, body)
    assert read_errors(body)[0] in outcome.sentence


@pytest.mark.parametrize("status", [400, 402, 403, 405, 406, 409, 410, 415, 422, 499])
def test_a_4xx_without_a_readable_body_is_a_certain_no_too(status: int) -> None:
    assert isinstance(read_patch_answer(status, {}, "<html>", NOW), Refused)


@pytest.mark.parametrize(
    "status", [100, 201, 202, 204, 206, 301, 302, 304, 307, 408, 500, 502, 503, 504, 599]
)
@pytest.mark.parametrize("name", ["patch_remaining", "error_500"])
def test_every_other_answer_leaves_a_doubt_whatever_its_body_says(status: int, name: str) -> None:
    outcome = read_patch_answer(status, {}, sample(name), NOW)
    assert outcome == InDoubt(
        f"SendGrid answered {status}, so it is not known whether the change was applied.",
        status,
        sample(name),
    )


def test_429_is_tried_again_after_the_time_that_was_named() -> None:
    outcome = read_patch_answer(429, {"X-RateLimit-Reset": "7"}, sample("error_429"), NOW)
    assert outcome == RateLimited(7.0, sample("error_429"))


def test_only_so_much_of_a_body_is_kept() -> None:
    for status in (200, 400, 429, 500):
        outcome = read_patch_answer(status, {}, "x" * 10 * KEPT_BODY, NOW)
        assert isinstance(outcome, Refused | RateLimited | InDoubt)
        assert len(outcome.body) == KEPT_BODY


@pytest.mark.parametrize(
    "name", ["X-RateLimit-Reset", "x-ratelimit-reset", "X-RATELIMIT-RESET", "Retry-After"]
)
@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("2.5", 2.5),
        (str(int(NOW) + 9), 9.0),
        (str(int(NOW) - 900), 1.0),
        ("0", 1.0),
        ("-30", 1.0),
        ("61", 60.0),
        ("999999999", 60.0),
        ("1e300", 60.0),
        (str(int(NOW) * 1000), 60.0),
        ("nan", 5.0),
        ("inf", 5.0),
        ("-inf", 5.0),
        ("", 5.0),
        ("soon", 5.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 5.0),
    ],
)
def test_a_rate_limits_wait_is_read_both_ways_and_capped(name: str, value: str, wait: float) -> None:
    assert rate_limit_wait({name: value}, NOW) == wait


def test_without_a_header_the_wait_is_a_few_seconds() -> None:
    assert rate_limit_wait({}, NOW) == 5.0


def test_an_unreadable_reset_gives_way_to_retry_after() -> None:
    assert rate_limit_wait({"X-RateLimit-Reset": "soon", "Retry-After": "3"}, NOW) == 3.0
    assert rate_limit_wait({"Retry-After": "3", "X-RateLimit-Reset": "8"}, NOW) == 8.0


@given(
    st.dictionaries(
        st.sampled_from(["X-RateLimit-Reset", "Retry-After", "X"]),
        st.text(max_size=12) | st.floats().map(str),
    )
)
def test_no_header_makes_the_wait_useless_or_endless(headers: dict[str, str]) -> None:
    assert 1.0 <= rate_limit_wait(headers, NOW) <= 60.0


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (400, "Check the subuser's name and the amount"),
        (401, "SENDGRID_API_KEY"),
        (403, "SendGrid, under Settings, API Keys"),
        (404, "SENDGRID_API_URL"),
        (406, "Report this"),
        (408, "Try again"),
        (415, "Report this"),
        (418, "Try again, or ask"),
        (429, "Try again in a minute"),
        (451, "SENDGRID_REGION"),
        (500, "Try again in a few minutes"),
        (503, "Try again in a few minutes"),
    ],
)
def test_each_status_says_what_to_do(status: int, says: str) -> None:
    sentence = explain(status, "", scope=SCOPE_UPDATE)
    assert sentence.startswith(f"SendGrid answered {status}. ")
    assert says in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize("scope", [SCOPE_UPDATE, SCOPE_CREDITS])
def test_403_names_the_scope_that_the_key_lacks(scope: str) -> None:
    assert f"`{scope}`" in explain(403, sample("error_403"), scope=scope)


def test_what_sendgrid_says_is_quoted_so_that_it_can_do_nothing() -> None:
    body = json.dumps({"errors": [{"message": "<!channel> @here {scope} " + "x" * 9000}]})
    sentence = explain(403, body, scope=SCOPE_UPDATE)
    assert "<" not in sentence
    assert "@here" not in sentence
    assert "{scope}" in sentence
    assert len(sentence) < 900


def test_a_missing_subuser_is_known_by_its_message_not_its_status() -> None:
    assert says_no_such_user(400, sample("error_400_no_user"))
    assert says_no_such_user(404, sample("error_400_no_user"))
    assert not says_no_such_user(400, sample("error_400_several"))
    assert not says_no_such_user(500, sample("error_400_no_user"))


@pytest.mark.parametrize(
    ("status", "passing"),
    [(400, False), (401, False), (403, False), (408, True), (429, True), (500, True), (503, True)],
)
def test_a_problem_says_whether_waiting_may_help(status: int, passing: bool) -> None:
    found = problem(status, {"Retry-After": "9"}, sample("error_500"), SCOPE_CREDITS)
    assert found.status == status
    assert found.passing is passing
    assert found.wait == (9.0 if status == 429 else None)
    assert not found.no_such_user


def test_an_unreadable_200_is_a_problem_that_may_pass() -> None:
    found = problem(200, {}, "<html>", SCOPE_CREDITS)
    assert (found.status, found.passing) == (200, True)
    assert problem(400, {}, sample("error_400_no_user"), SCOPE_CREDITS).no_such_user


@given(json_values)
def test_no_json_makes_a_reader_raise(value: Any) -> None:
    for credits_ in (read_balance(value), read_subuser_credits(value)):
        for field in ("remain", "total", "used"):
            count = getattr(credits_, field)
            assert count is None or type(count) is int
    assert all(isinstance(name, str) for name in read_usernames(value))


@given(json_values.map(json.dumps) | st.text(max_size=30), st.integers(100, 599))
def test_no_body_makes_a_reader_raise_or_success_of_what_is_none(body: str, status: int) -> None:
    assert all(read_errors(body))
    outcome = read_patch_answer(status, {}, body, NOW)
    assert isinstance(outcome, Applied) <= (status == 200)
    assert isinstance(outcome, Refused) <= (400 <= status < 500 and status not in {408, 429})
    assert isinstance(outcome, RateLimited) == (status == 429)
    assert explain(status, body, scope=SCOPE_UPDATE)
