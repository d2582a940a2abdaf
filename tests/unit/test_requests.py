"""The states of a request and the ways between them."""

from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditbot.domain.requests import (
    FINAL,
    HOLDS_SUBUSER,
    TRANSITIONS,
    BalanceCheck,
    IllegalTransition,
    Status,
    check_transition,
    people_to_tell,
)

from .example_requests import APPROVER, NONRECURRING, REQUESTER, SECOND_APPROVER, a_request, approvals

DESIGNED = {
    ("pending", "approved"),
    ("pending", "denied"),
    ("pending", "cancelled"),
    ("pending", "expired"),
    ("pending", "refused"),
    ("approved", "applying"),
    ("approved", "cancelled"),
    ("applying", "applied"),
    ("applying", "failed"),
    ("applying", "in_doubt"),
    ("in_doubt", "applied"),
    ("in_doubt", "failed"),
}
"""Written out by hand, so that a change of the table has to be made twice."""


def paths(status: Status, walked: tuple[Status, ...] = ()) -> Iterator[tuple[Status, ...]]:
    assert len(walked) <= len(Status), f"a way leads back: {walked}"
    here = (*walked, status)
    yield here
    for onward in TRANSITIONS[status]:
        yield from paths(onward, here)


def test_the_table_has_exactly_the_designed_ways() -> None:
    assert {(str(from_), str(to)) for from_, onward in TRANSITIONS.items() for to in onward} == DESIGNED
    assert set(TRANSITIONS) == set(Status)


@pytest.mark.parametrize(("from_", "to"), list(product(Status, Status)))
def test_every_way_that_is_not_designed_is_refused(from_: Status, to: Status) -> None:
    if (from_.value, to.value) in DESIGNED:
        check_transition(from_, to)
    else:
        with pytest.raises(IllegalTransition, match=to.value):
            check_transition(from_, to)


def test_no_state_is_entered_twice_on_any_way() -> None:
    for path in paths(Status.PENDING):
        assert len(set(path)) == len(path)


def test_every_state_can_be_reached_and_every_way_ends() -> None:
    walked = list(paths(Status.PENDING))
    assert {path[-1] for path in walked} == set(Status)
    assert {str(status) for status in FINAL} == {
        "denied", "cancelled", "expired", "refused", "applied", "failed",
    }  # fmt: skip


def test_nothing_is_sent_without_an_approval_and_a_claim_before_it() -> None:
    for path in paths(Status.PENDING):
        if path[-1] in {Status.APPLIED, Status.FAILED, Status.IN_DOUBT}:
            assert path[:3] == (Status.PENDING, Status.APPROVED, Status.APPLYING)


def test_a_subuser_is_held_while_its_balance_may_be_changing() -> None:
    assert {Status.APPLYING, Status.IN_DOUBT} == HOLDS_SUBUSER


@given(st.lists(st.sampled_from(list(Status)), max_size=30))
def test_no_walk_through_the_checks_enters_a_state_twice(wanted: list[Status]) -> None:
    status, entered = Status.PENDING, [Status.PENDING]
    for to in wanted:
        try:
            check_transition(status, to)
        except IllegalTransition:
            continue
        status = to
        entered.append(to)
    assert len(set(entered)) == len(entered)
    assert len(entered) <= 5


@pytest.mark.parametrize(
    "to", [Status.APPROVED, Status.DENIED, Status.CANCELLED, Status.EXPIRED, Status.REFUSED]
)
def test_the_requester_is_told_of_each_decision(to: Status) -> None:
    assert people_to_tell(a_request(Status.PENDING, approvals=approvals(APPROVER)), to) == [REQUESTER]


def test_nobody_is_told_that_it_is_being_sent() -> None:
    assert people_to_tell(a_request(Status.APPROVED, approvals=approvals(APPROVER)), Status.APPLYING) == []


def test_success_is_told_to_the_requester_only() -> None:
    request = a_request(Status.APPLYING, approvals=approvals(APPROVER))
    assert people_to_tell(request, Status.APPLIED) == [REQUESTER]


@pytest.mark.parametrize("to", [Status.FAILED, Status.IN_DOUBT])
def test_approvers_are_told_when_their_word_did_not_do_what_they_meant(to: Status) -> None:
    request = a_request(Status.APPLYING, approvals=approvals(APPROVER, SECOND_APPROVER))
    assert people_to_tell(request, to) == [REQUESTER, APPROVER, SECOND_APPROVER]


def test_approvers_are_told_when_what_they_approved_is_cancelled() -> None:
    both = approvals(APPROVER, SECOND_APPROVER)
    told = people_to_tell(a_request(Status.APPROVED, approvals=both), Status.CANCELLED)
    assert told == [REQUESTER, APPROVER, SECOND_APPROVER]


@pytest.mark.parametrize("to", [Status.APPLIED, Status.FAILED])
def test_approvers_who_heard_of_a_doubt_hear_how_it_ended(to: Status) -> None:
    request = a_request(Status.IN_DOUBT, approvals=approvals(APPROVER))
    assert people_to_tell(request, to) == [REQUESTER, APPROVER]


@given(
    st.lists(st.sampled_from([REQUESTER, APPROVER, SECOND_APPROVER]), max_size=4),
    st.sampled_from(list(Status)),
    st.sampled_from(list(Status)),
)
def test_nobody_is_told_the_same_twice(approved: list[str], from_: Status, to: Status) -> None:
    told = people_to_tell(a_request(from_, approvals=approvals(*approved)), to)
    assert len(told) == len(set(told))
    assert (REQUESTER in told) == (to is not Status.APPLYING)


def test_what_is_expected_after_is_unknown_without_a_balance_before() -> None:
    assert a_request(check=NONRECURRING, allocation_update=-400).expected_after == 600
    assert a_request(check=None).expected_after is None
    unlimited = BalanceCheck(NONRECURRING.at, "unlimited", None, None, None, None)
    assert a_request(check=unlimited).expected_after is None
