"""Cards at a glance: what waits for someone is large, all else is two or three lines."""

import re

import pytest

from creditbot.domain.requests import Status
from creditbot.slack.cards.folded import LARGE
from creditbot.slack.cards.states import LOOK_AGAIN, STATES, state

from .example_requests import a_request, card
from .test_cards import REQUESTS, policy_of

SIGNS = [*STATES.values(), LOOK_AGAIN]
WAITING = {name for name, request in REQUESTS.items() if request.status in LARGE or request.contradicted_at}


def kinds(name: str) -> list[str]:
    payload = card(REQUESTS[name], policy_of(name)).payload()
    return [block["type"] for block in payload["blocks"]]


@pytest.mark.parametrize("name", sorted(REQUESTS.keys() - WAITING))
def test_what_waits_for_nobody_is_folded(name: str) -> None:
    said, *others = card(REQUESTS[name], policy_of(name)).payload()["blocks"]
    lines = [block["type"] for block in others if block["type"] != "actions"]
    assert lines in ([], ["context"], ["section"], ["section", "context"])
    assert said["text"]["text"].count("\n") == 1
    assert said["accessory"]["text"]["text"] == "Show"


@pytest.mark.parametrize("name", sorted(WAITING))
def test_what_waits_for_someone_is_large(name: str) -> None:
    assert {"header", "section", "context"} <= set(kinds(name))


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_a_card_and_the_text_behind_it_begin_with_a_sign_and_a_word(name: str) -> None:
    message = card(REQUESTS[name], policy_of(name))
    begin = f"{state(REQUESTS[name])}: "
    assert message.text.startswith(begin)
    assert message.payload()["blocks"][0]["text"]["text"].lstrip("*").startswith(begin)


def test_no_two_states_have_the_same_sign_or_word() -> None:
    assert STATES.keys() == set(Status)
    signs, words = zip(*SIGNS, strict=True)
    assert len(set(signs)) == len(set(words)) == len(SIGNS)
    assert all(not sign.isascii() for sign in signs)


def test_a_folded_card_says_who_asked_who_agreed_and_what_the_balance_is() -> None:
    said = card(REQUESTS["applied"]).payload()["blocks"][0]["text"]["text"]
    for part in (
        "+5,000",
        "`acme`",
        "<@U0ASKER>",
        "<@U1ALICE>, <@U2BERND>",
        "balance after: 5,998 on <!date^",
    ):
        assert part in said


def test_a_folded_card_that_may_have_a_copy_above_says_so() -> None:
    message = card(REQUESTS["applied"], copy_above=True)
    assert "There may be an earlier copy" in message.payload()["blocks"][-1]["elements"][-1]["text"]


def test_a_failed_request_can_be_asked_for_again_from_its_folded_card() -> None:
    blocks = card(REQUESTS["failed"]).payload()["blocks"]
    assert [element["text"]["text"] for element in blocks[-1]["elements"]] == ["Request again"]


def test_what_sendgrid_contradicts_is_not_folded_away() -> None:
    message = card(REQUESTS["failed, contradicted"])
    assert message.payload()["blocks"][0]["text"]["text"].startswith("⚠️ Look again: +5,000")
    assert "says that the change was applied. Check the subuser in SendGrid." in str(
        message.payload()["blocks"]
    )


def test_a_long_why_is_shortened() -> None:
    denied = a_request(Status.DENIED, decided_by="U1ALICE", decision_reason="no " * 160)
    [_, why] = card(denied).payload()["blocks"]
    assert re.fullmatch("Denied because: (no )+n?o?…", why["text"]["text"])
    assert len(why["text"]["text"]) < 250
