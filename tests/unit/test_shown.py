"""What a card's buttons carry: which request it shows, and on which terms."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditbot.domain.changes import Change
from creditbot.domain.policy import Limits, Policy, Reminders, Tier
from creditbot.domain.requests import BalanceCheck, CreditRequest
from creditbot.domain.shown import Shown, read, shown, terms
from creditbot.domain.who import Who

from .example_requests import APPROVER, NOW, SECOND_APPROVER, TOKEN, a_request, approvals

OTHER_TOKEN = TOKEN[::-1]
TIER = Tier("large", Who.of([APPROVER, SECOND_APPROVER]), approvals=2, above=1000)
ESCALATING = Reminders(escalate_after=timedelta(hours=2), escalate_to=Who.of(["U6BOSS"]))
POLICY = Policy(tiers=(TIER,), reminders=ESCALATING)
REQUEST = a_request()


def test_what_is_shown_is_read_from_the_value_of_a_button() -> None:
    card = shown(REQUEST, POLICY, NOW)
    assert str(card).startswith(f"12.{TOKEN}")
    assert read(str(card)) == card
    assert card.is_of(REQUEST)


@given(
    st.integers(min_value=0, max_value=2**31 - 1),
    st.text("0123456789abcdef", min_size=32, max_size=32),
    st.text("0123456789abcdef", min_size=16, max_size=16),
)
def test_every_value_reads_as_what_it_was_written_from(request_id: int, token: str, digest: str) -> None:
    card = Shown(request_id, token, digest)
    assert read(str(card)) == card


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "-1",
        "1.0",
        "\uff11\uff12",
        " 12",
        "12\n",
        "2147483648",
        "9" * 19,
        "12 applied",
        "12.",
        f"12.{TOKEN}",
        f"12.{TOKEN}{'0' * 15}",
        f"12.{TOKEN}{'0' * 17}",
        f"12.{TOKEN.upper()}{'0' * 16}",
        f"12.{TOKEN}{'0' * 16}\n",
        f"12 {TOKEN}{'0' * 16}",
        f".{TOKEN}{'0' * 16}",
        f"2147483648.{TOKEN}{'0' * 16}",
    ],
)
def test_a_value_that_no_card_of_ours_has_shows_no_request(value: str) -> None:
    assert read(value) == Shown(0)


def test_a_number_alone_is_proof_of_nothing() -> None:
    card = read("12")
    assert card.request_id == 12
    assert not card.is_of(REQUEST)
    assert not card.is_of(replace(REQUEST, token=""))


@pytest.mark.parametrize(
    "other",
    [replace(REQUEST, token=OTHER_TOKEN), replace(REQUEST, id=13), replace(REQUEST, token="")],
    ids=["another with this number", "another with this token", "one without a token"],
)
def test_a_card_shows_no_other_request(other: CreditRequest) -> None:
    assert not shown(REQUEST, POLICY, NOW).is_of(other)


def test_no_log_or_traceback_shows_the_token() -> None:
    assert TOKEN not in repr(REQUEST)
    assert TOKEN not in repr(shown(REQUEST, POLICY, NOW))


def under(**changed: object) -> Policy:
    return replace(POLICY, tiers=(replace(TIER, **changed),))  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("request_", "policy", "later"),
    [
        (replace(REQUEST, change=Change("globex", 5000)), POLICY, 0),
        (replace(REQUEST, change=Change("acme", 5001)), POLICY, 0),
        (replace(REQUEST, reason="another"), POLICY, 0),
        (replace(REQUEST, requested_by="U9"), POLICY, 0),
        (
            replace(REQUEST, check=BalanceCheck(NOW + timedelta(1), "nonrecurring", 1, None, None, None)),
            POLICY,
            0,
        ),
        (replace(REQUEST, overtaken_by=7), POLICY, 0),
        (replace(REQUEST, decided_with=(Change("globex", 5),)), POLICY, 0),
        (REQUEST, under(name="huge"), 0),
        (REQUEST, under(approvals=3), 0),
        (REQUEST, under(approvers=Who.of([APPROVER])), 0),
        (REQUEST, under(including=Who.of([APPROVER])), 0),
        (REQUEST, under(above=6000), 0),
        (REQUEST, POLICY, 2),
    ],
)
def test_what_matters_to_a_decision_makes_other_terms(
    request_: CreditRequest, policy: Policy, later: int
) -> None:
    assert terms(request_, policy, NOW + timedelta(hours=later)) != terms(REQUEST, POLICY, NOW)


@pytest.mark.parametrize(
    ("request_", "policy", "later"),
    [
        (replace(REQUEST, approvals=approvals(APPROVER), version=7), POLICY, 0),
        (replace(REQUEST, expires_at=NOW + timedelta(hours=3)), POLICY, 0),
        (REQUEST, POLICY, 1),
        (REQUEST, replace(POLICY, digest=None), 0),
        (REQUEST, replace(POLICY, limits=Limits(per_request=90_000)), 0),
        (REQUEST, replace(POLICY, tiers=(Tier("small", Who.of(["U9"]), up_to=1000), TIER)), 0),
        (REQUEST, replace(POLICY, reminders=replace(ESCALATING, escalate_to=Who.of(["U9"]))), 0),
    ],
)
def test_what_a_decision_is_not_about_leaves_the_terms_as_they_are(
    request_: CreditRequest, policy: Policy, later: int
) -> None:
    assert terms(request_, policy, NOW + timedelta(hours=later)) == terms(REQUEST, POLICY, NOW)
