"""Lists: how many there are, what waits for whom, where each card is, and how the pages are turned."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from creditbot.domain import paging
from creditbot.domain.changes import Change
from creditbot.domain.fields import MAX_REQUEST_ID
from creditbot.domain.paging import History, Pending, Section, Turn
from creditbot.domain.policy import Policy, Tier
from creditbot.domain.requests import CreditRequest
from creditbot.domain.rules import waits_for
from creditbot.domain.who import Roster, Who
from creditbot.operations import OpenRequests
from creditbot.sandbox.slack.limits import check_message
from creditbot.slack import lists
from creditbot.slack.message import Message

from .example_requests import APPROVER, NOW, REQUESTER, a_request
from .listed import LINKS, page
from .test_cards import REQUESTS

FOR_YOU, YOURS, OTHERS = Section.FOR_YOU, Section.YOURS, Section.OTHERS
SOME = [REQUESTS["pending"], REQUESTS["in doubt"], REQUESTS["approved"], REQUESTS["pending, two needed"]]
ENDED = [REQUESTS["applied"], REQUESTS["denied"], REQUESTS["failed, contradicted"]]

LISTS = {
    "open": lists.pending(
        OpenRequests(page(SOME, FOR_YOU, FOR_YOU, YOURS, OTHERS, ts="1700000000.000100")), LINKS.to
    ),
    "open, in the middle of many": lists.pending(
        OpenRequests(
            page(SOME, FOR_YOU, FOR_YOU, YOURS, OTHERS, first=11, total=1047),
            complete=False,
            unread=frozenset({"S0FINANCE"}),
        ),
        LINKS.to,
    ),
    "none open": lists.pending(OpenRequests(page([])), LINKS.to),
    "history": lists.history(None, page(ENDED, ts="1700000000.000100"), LINKS.to),
    "history of a subuser, its end": lists.history("acme", page(ENDED, first=45, total=3), LINKS.to),
    "no history": lists.history(None, page([]), LINKS.to),
    "no history of a subuser": lists.history("acme", page([]), LINKS.to),
}


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("name", LISTS)
def test_a_list(name: str, snapshot: SnapshotAssertion) -> None:
    payload = LISTS[name].payload()
    check_message(payload["text"], payload["blocks"])
    assert payload == snapshot


def turns(message: Message) -> dict[str, Pending | History | None]:
    """The buttons by their labels, and where each leads."""
    blocks = [block for block in message.payload()["blocks"] if block["type"] == "actions"]
    return {
        button["text"]["text"]: paging.read(button["value"])
        for block in blocks
        for button in block["elements"]
    }


def test_one_credit_is_one_credit() -> None:
    text = lists.history(None, page([replace(REQUESTS["applied"], change=Change("acme", 1))]), LINKS.to).text
    assert "*+1 credit* for" in text


def test_buttons_lead_to_where_there_is_more_and_nowhere_else() -> None:
    ten = [a_request(id=number) for number in range(10, 0, -1)]

    def shown(first: int, total: int) -> dict[str, Pending | History | None]:
        return turns(lists.history("acme", page(ten, first=first, total=total), LINKS.to))

    newer = History("acme", Turn(False, Section.ALL, 10))
    older = History("acme", Turn(True, Section.ALL, 1))
    assert shown(1, 10) == {}
    assert shown(1, 11) == {"Older": older}
    assert shown(11, 21) == {"Newer": newer, "Older": older}
    assert shown(12, 21) == {"Newer": newer}


turned = st.builds(Turn, st.booleans(), st.sampled_from(Section), st.integers(0, MAX_REQUEST_ID))


@given(turned, st.sampled_from(["acme", "Ünï-7", "a" * 128, None]))
def test_what_a_button_carries_is_read_as_it_was_meant(turn: Turn, subuser: str | None) -> None:
    wanted = History(subuser, turn) if turn.section is Section.ALL else Pending(turn)
    assert paging.read(paging.written(wanted, turn)) == wanted


@pytest.mark.parametrize(
    "value",
    [
        "",
        "12",
        "pending on 0 1",
        "pending on 4 1",
        "pending up 1 1",
        "pending on 1 1 acme",
        "history on 1 1",
        "history on 0 01",
        "history on 0 -1",
        "history on 0 １",
        "history on 0 2147483648",
        "history on 0 1 a/b",
        "history on 0 1 @acme",
        "history on 0 1 acme x",
        "history on 0 1 acme\n",
        f"history on 0 1 {'a' * 129}",
    ],
)
def test_what_no_button_of_a_list_carries_is_nothing(value: str) -> None:
    assert paging.read(value) is None


TWO = Policy(tiers=(Tier("", Who.of([APPROVER, "U2", "U3"]), approvals=2, including=Who.of(["U9"])),))


@pytest.mark.parametrize(
    ("request_", "whom"),
    [
        (a_request(approvals_needed=2), {APPROVER, "U2", "U3", "U9"}),
        (a_request(approvals_needed=2, requested_by="U2"), {APPROVER, "U3", "U9"}),
        (a_request(approvals_needed=2).with_approval("U9", NOW), {APPROVER, "U2", "U3"}),
        # One is missing, and it has to be of the second list: others may approve, but are not asked for it.
        (a_request(approvals_needed=2).with_approval("U2", NOW), {"U9"}),
        (a_request(check=None), set()),
        (a_request(expires_at=NOW - timedelta(seconds=1)), set()),
        (replace(REQUESTS["in doubt, with evidence"], unclear_until=NOW), {APPROVER, "U2", "U3", "U9"}),
        (replace(REQUESTS["in doubt"], unclear_until=NOW + timedelta(seconds=1)), set()),
        (REQUESTS["approved"], set()),
        (REQUESTS["applied"], set()),
    ],
)
def test_a_request_waits_for_those_whose_word_brings_it_on(request_: CreditRequest, whom: set[str]) -> None:
    everyone = {REQUESTER, APPROVER, "U2", "U3", "U9", "U0OUT"}
    assert {who for who in everyone if waits_for(request_, who, TWO, Roster(), NOW)} == whom
