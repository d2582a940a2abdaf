"""Every figure on a card says of when it is, and those on one card add up."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditbot.domain.evidence import Reading, Verdict, conclude
from creditbot.domain.requests import BalanceCheck, CreditRequest, Status

from .example_requests import NONRECURRING, NOW, a_request, approvals, card
from .test_cards import REQUESTS, policy_of

LATER = NOW + timedelta(minutes=7)
balances = st.integers(-(10**12), 10**12)


def facts(request: CreditRequest) -> dict[str, str]:
    """All that stands in two columns, by its name."""
    blocks = card(request).payload()["blocks"]
    fields = [field["text"] for block in blocks for field in block.get("fields", [])]
    return {name: value for name, _, value in (field[1:].partition("*\n") for field in fields)}


def figure(text: str) -> int:
    """The first number in it."""
    return int(re.findall(r"[−+]?\d[\d,]*", text)[0].replace(",", "").replace("−", "-"))


def at(text: str) -> datetime:
    return datetime.fromtimestamp(int(re.findall(r"<!date\^(\d+)", text)[0]), NOW.tzinfo)


@given(balances, balances | st.none(), st.integers(-5000, 5000).filter(bool))
def test_what_is_expected_is_reckoned_from_the_balance_that_is_shown(
    checked: int, sent: int | None, change: int
) -> None:
    request = a_request(
        allocation_update=change, check=replace(NONRECURRING, remain=checked), remain_before=sent
    )
    shown = facts(request)
    assert figure(shown["Balance before"]) == (checked if sent is None else sent)
    assert figure(shown["Expected after"]) == figure(shown["Balance before"]) + change


def test_a_balance_that_was_read_again_is_of_that_moment() -> None:
    request = a_request(Status.IN_DOUBT, remain_before=6063, remain_before_at=LATER)
    assert facts(request)["Balance before"].startswith("6,063 on <!date^")
    assert at(facts(request)["Balance before"]) == LATER
    checked = a_request(check=replace(NONRECURRING, remain=6084))
    assert at(facts(checked)["Balance before"]) == NOW


@pytest.mark.parametrize("name", REQUESTS)
def test_every_balance_has_its_moment(name: str) -> None:
    said = str(card(REQUESTS[name], policy_of(name)).payload()["blocks"])
    for found in re.finditer(
        r"(?:Balance before\*|Latest balance\*|[Bb]alance after:)(?:\\n| )([^']*)", said
    ):
        assert re.match(r"[\d,]+ on <!date\^|not reported|being read again", found[1]), found[0]


def test_a_balance_of_which_the_moment_was_not_kept_is_shown_without() -> None:
    request = a_request(Status.IN_DOUBT, remain_before=6063)
    assert facts(request)["Balance before"] == "6,063"


def in_doubt(before: int, change: int, after: int, check: BalanceCheck = NONRECURRING) -> CreditRequest:
    found = conclude(change, Reading("nonrecurring", before, None), Reading("nonrecurring", after, None))
    assert found.verdict is Verdict.UNKNOWN
    return a_request(
        Status.IN_DOUBT,
        allocation_update=change,
        check=check,
        approvals=approvals("U1ALICE"),
        remain_before=before,
        remain_before_at=LATER,
        remain_after=after,
        remain_after_at=LATER,
        used_since=found.used_since,
        explanation=found.arithmetic,
    )


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(0, 10**9), st.booleans())
def test_both_sides_of_a_doubt_lead_to_the_balance_that_was_read(
    before: int, amount: int, used: int, add: bool
) -> None:
    change = amount if add else -min(amount, before)
    after = before + min(change, 0) - min(used, before)
    request = in_doubt(before, change, after)
    if change < 0 and after <= 0:
        assert "If applied" not in facts(request)
        return
    for case, then in (("If applied", before + change), ("If not applied", before)):
        start, since = facts(request)[case].split("\n")
        assert figure(start) == then
        assert figure(start) - figure(since) == figure(facts(request)["Latest balance"]) == after


def test_a_doubt_is_told_as_a_table_and_what_to_do_in_two_sentences() -> None:
    request = in_doubt(1000, 5000, 990)
    assert facts(request)["If applied"] == "Balance right after: 6,000\nUsed since: 5,010"
    assert facts(request)["If not applied"] == "Balance right after: 1,000\nUsed since: 10"
    said = [
        block["text"]["text"]
        for block in card(request).payload()["blocks"]
        if block["type"] == "section" and "text" in block
    ]
    assert said[-1] == (
        "*Look at the subuser in SendGrid, then press the button that says what you found.* This change is "
        "not sent again, and until someone does, no other change of `acme` is sent."
    )
    assert "Used since" not in " ".join(said)
    # Where there are no columns, it is said in words.
    assert "Used since: 10 if it was not applied, 5,010 if it was." in card(request).text


def test_the_use_before_it_was_sent_stands_beside_the_table() -> None:
    request = replace(in_doubt(1000, 5000, 990), used_before=100)
    assert "In the 7 minutes before it was sent, 100 credits were used." in str(card(request).payload())


def test_a_doubt_whose_figures_tell_nothing_has_no_table() -> None:
    for request in (
        REQUESTS["in doubt"],
        replace(
            in_doubt(1000, 5000, 990),
            used_since=None,
            explanation=("The credits may have been reset in between."),
        ),
    ):
        assert "If applied" not in facts(request)
        assert str(request.explanation) in str(card(request).payload()["blocks"])
