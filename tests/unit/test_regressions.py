"""Odd input that once went wrong."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from creditbot.domain.changes import Change
from creditbot.domain.commands import Ask
from creditbot.domain.credits import InDoubt, Refused
from creditbot.domain.errors import CommandError
from creditbot.domain.events import Event
from creditbot.domain.evidence import Reading, Verdict, conclude
from creditbot.domain.fields import reason, subuser_name
from creditbot.domain.markup import without_markup
from creditbot.domain.policy import Policy
from creditbot.domain.requests import BalanceCheck, Status
from creditbot.sendgrid.answers import read_balance
from creditbot.sendgrid.outcomes import read_patch_answer
from creditbot.settings.environment import DatabaseSettings, Settings
from creditbot.settings.errors import ConfigError
from creditbot.slack import answers
from creditbot.slack.cards.notices import notice
from creditbot.slack.cards.states import sign
from creditbot.slack.payloads import UnreadablePayload, read
from creditbot.web import UnfitRequest, read_body
from tests.typed import parse

from .example_requests import APPROVER, NOW, POLICY, a_request, card, record


def test_a_number_beyond_any_database_is_no_count() -> None:
    assert read_balance({"remain": 10**400, "total": 2**63, "used": 1e300}).remain is None
    assert isinstance(read_patch_answer(200, {}, '{"remain":1' + "0" * 400 + "}", 0), InDoubt)


@pytest.mark.parametrize(("status", "kind"), [(200, InDoubt), (400, Refused)])
def test_deep_nesting_is_an_answer_too(status: int, kind: type) -> None:
    assert isinstance(read_patch_answer(status, {}, "[" * 100_000, 0), kind)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Reading(None, 10, None), Reading(None, 12, None)),
        (Reading("nonrecurring", 10, "2026-01-01"), Reading("nonrecurring", 12, "2026-02-01")),
    ],
)
def test_a_reset_that_is_not_excluded_voids_the_proof(before: Reading, after: Reading) -> None:
    assert conclude(5, before, after).verdict is Verdict.UNKNOWN


def test_below_zero_nothing_is_proven() -> None:
    before, after = Reading("nonrecurring", 10, None), Reading("nonrecurring", 0, None)
    assert conclude(-20, before, after).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("url", ["mysql://u:hunter2@h/db", "POSTGRES://u:hunter2@h", "sqlite:///x?hunter2"])
def test_a_wrong_value_is_never_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        DatabaseSettings.from_environ({"DATABASE_URL": url})
    assert "hunter2" not in str(caught.value)


def test_the_requester_reads_why_a_doubt_was_settled() -> None:
    request = a_request(Status.FAILED, settled_by=APPROVER, settled_reason="Looked it up")
    assert "Looked it up" in notice("failed", request).text


def test_showing_a_request_says_why_it_was_denied() -> None:
    request = a_request(Status.DENIED, decided_by=APPROVER, decision_reason="Too much")
    assert "Too much" in json.dumps(answers.show(record(request, [])).payload())


def test_showing_a_request_with_many_events_keeps_the_newest() -> None:
    event = Event("not_proven", NOW, None, {"remain_before": 1234567})
    blocks = answers.show(
        record(a_request(Status.IN_DOUBT), [*[event] * 200, replace(event, kind="settled")])
    ).blocks
    text = blocks[-1]["text"]["text"]
    assert len(text) <= 3000
    assert text.endswith("doubt settled (balance before 1,234,567)")


def test_an_approved_request_that_waits_is_not_called_sent() -> None:
    assert "waits for request 11" in notice("approved", a_request(Status.APPROVED, waits_for=11)).text


def test_white_space_is_folded_after_what_cannot_be_seen_is_dropped() -> None:
    assert reason("a \u200b b") == "a b"


@pytest.mark.parametrize("text", ["\u3164", "\u2800", "\u034f"])
@pytest.mark.parametrize("read", [reason, subuser_name])
def test_blank_letters_are_refused(text: str, read: Callable[[str], str]) -> None:
    with pytest.raises(CommandError):
        read(text)


@pytest.mark.parametrize("space", ["\u3000", "\u2003", "\t", "\n"])
def test_any_white_space_separates(space: str) -> None:
    assert parse(f"add{space}acme{space}5 x") == Ask(Change("acme", 5), "x")


async def test_an_absurd_length_is_too_large() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    waiting: Callable[[], Awaitable[dict[str, Any]]] = receive
    with pytest.raises(UnfitRequest) as caught:
        await read_body(waiting, {"content-length": "9" * 5000})
    assert caught.value.status == 413


@pytest.mark.parametrize("command", [None, 1, [], {}])
def test_a_command_that_is_no_text_is_unreadable(command: object) -> None:
    with pytest.raises(UnreadablePayload):
        read({"command": command, "user_id": "U1", "channel_id": "C1"})


def test_what_was_typed_keeps_its_asterisks_in_plain_text() -> None:
    assert without_markup("*No*: `a*b/` is wrong") == "No: a*b/ is wrong"


@pytest.mark.parametrize(
    ("change", "before", "after"), [(5000, 100, 90_000), (-5000, 10_000, 20_000), (-5000, 10_000, 10_001)]
)
def test_a_rise_that_the_change_does_not_explain_proves_nothing(change: int, before: int, after: int) -> None:
    seen = conclude(change, Reading("nonrecurring", before, None), Reading("nonrecurring", after, None))
    assert seen.verdict is Verdict.UNKNOWN


def test_half_a_character_in_an_answer_does_no_harm() -> None:
    outcome = read_patch_answer(400, {}, '{"errors": [{"message": "bad \\ud800"}]}', 0)
    assert isinstance(outcome, Refused)
    outcome.sentence.encode()


def test_the_longest_name_is_shown_in_full_on_its_card() -> None:
    name = "x" * 100 + "y" * 28
    shown = card(a_request(Status.APPLIED, subuser=name, allocation_update=1_000_000_000), POLICY)
    assert f"`{name}`" in json.dumps(shown.payload(), ensure_ascii=False)


@pytest.mark.parametrize("status", [Status.DENIED, Status.EXPIRED, Status.CANCELLED, Status.FAILED])
def test_a_card_of_what_came_to_nothing_expects_nothing(status: Status) -> None:
    check = BalanceCheck(NOW, "recurring", 340, 10_000, "monthly", "2026-12-01")
    shown = str(card(a_request(status, check=check), POLICY).payload())
    assert "Expected after" not in shown
    assert "Lasts only" not in shown


SIGNS = {
    **{kind: sign(Status(kind)) for kind in ("approved", "applied", "denied", "in_doubt", "expired")},
    "held": "👍",
    "not_proven": "❓",
    "contradicted": "⚠️",
    "no_card": "⚠️",
    "untold_U1": "⚠️",
    "reminder_60m": "🔔",
    "escalated": "🔔",
    "break_glass": "🚨",
}


@pytest.mark.parametrize(("kind", "sign_"), SIGNS.items())
def test_every_notice_begins_with_the_sign_of_the_state_and_says_what_it_is_about(
    kind: str, sign_: str
) -> None:
    text = notice(kind, a_request(Status.IN_DOUBT)).text
    assert text.startswith(f"{sign_} Request 12, +5,000 credits for `acme`: ")


@pytest.mark.parametrize("kind", ["no_card", "reminder_60m", "escalated"])
def test_a_notice_that_sends_people_to_a_card_allows_for_the_policys_own_channel(kind: str) -> None:
    assert "or the one that the policy names for this subuser" in notice(kind, a_request()).text


def test_more_approvers_than_fit_are_counted() -> None:
    many = Policy.one_tier(f"U{number:04}" for number in range(300))
    text = card(a_request(), many).text
    assert "and 280 others" in text
    assert text.count("<@") == text.count("<@U")


def test_a_token_with_a_character_that_no_token_has_is_refused() -> None:
    with pytest.raises(ConfigError, match="SENDGRID_API_KEY is wrong: it has characters"):
        Settings.from_environ({"SENDGRID_API_KEY": "SG.…"})


@pytest.mark.parametrize("url", ["http://a:99999999", "http://u:p@host", "ftp://x"])
def test_an_address_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="SENDGRID_API_URL is wrong"):
        Settings.from_environ({"SENDGRID_API_URL": url})


def test_plain_text_names_people_by_their_ids_and_dates_by_their_words() -> None:
    sentence = "By <@U1> or <!subteam^S1> in <#C1> on <!date^1^{date_short}|2026-01-22 09:30 UTC>: `<@U2>`"
    assert without_markup(sentence) == "By U1 or S1 in C1 on 2026-01-22 09:30 UTC: <@U2>"
