"""Slack's bounds: whatever is in a message or a form, it is one that Slack takes."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import creditbot.slack
from creditbot.domain.amounts import MAX_AMOUNT
from creditbot.domain.changes import Change
from creditbot.domain.commands import Ask, OpenForm, ShowBalance
from creditbot.domain.credits import Balance, SubuserCredits
from creditbot.domain.digest import Digest
from creditbot.domain.drift import Comparison, Finding, Kind, Point
from creditbot.domain.errors import UnreadableRequest
from creditbot.domain.events import Event
from creditbot.domain.fields import MAX_NAME, MAX_REASON, MAX_REQUEST_ID
from creditbot.domain.markup import escape, literal
from creditbot.domain.place import Place
from creditbot.domain.policy import Direction, Policy, Reminders, Tier
from creditbot.domain.questions import Question
from creditbot.domain.relations import Relation, RelationKind
from creditbot.domain.reminders import ESCALATED, NO_CARD, OLD_CARD, REMINDER, UNTOLD
from creditbot.domain.requests import Approval, BalanceCheck, CreditRequest, Neighbour, Status
from creditbot.domain.shown import Shown
from creditbot.domain.text import credits_
from creditbot.domain.undone import Undone
from creditbot.domain.who import Roster, Who
from creditbot.operations import BalanceReport
from creditbot.sandbox.slack.limits import check_message, check_view
from creditbot.sandbox.slack.limits_blocks import HOME, MESSAGE
from creditbot.sandbox.slack.limits_blocks import block as check_block
from creditbot.slack import answers, bounds, forms
from creditbot.slack.boundary import unexpected
from creditbot.slack.bounds import cut, cut_plain, fitting, length
from creditbot.slack.cards.card import NEIGHBOURS, request_card
from creditbot.slack.cards.notices import moved, notice
from creditbot.slack.commands import COMMANDS
from creditbot.slack.commands.help import message as help_message
from creditbot.slack.digest import digest
from creditbot.slack.drift import comparison
from creditbot.slack.message import (
    Message,
    actions,
    button,
    choice,
    confirmation,
    context,
    facts,
    header,
    home,
    modal,
    section,
    sentence,
    typed,
)
from creditbot.slack.naming import Naming
from creditbot.slack.undone import undone

from .example_requests import NOW, a_request, record
from .listed import lists_of

NAMING = Naming("/" + "x" * 31)
"""As long as Slack lets a command's name be."""

CARD = Shown(MAX_REQUEST_ID, "0" * 32, "0" * 16)
"""As long as what a card's buttons carry can be."""

LINK = "https://team.slack.com/archives/C0ACME/p1700000000000100"
IN_MARKUP = re.compile(
    r"<@[UW][A-Z0-9]+>|<!subteam\^S[A-Z0-9]+>|<#C[A-Z0-9]+>|<!date\^\d+\^[^<>|]+\|[-0-9: ]+UTC>"
    rf"|<{LINK}\|(?:[Rr]equest \d+|its card)>"
)


def text_objects(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        if part.get("type") in {"mrkdwn", "plain_text"} and isinstance(part.get("text"), str):
            yield part
        for value in part.values():
            yield from text_objects(value)
    elif isinstance(part, list):
        for item in part:
            yield from text_objects(item)


def assert_whole(mrkdwn: str) -> None:
    """Nothing in it is a part of a mention, a date, a link, an escape or a code span."""
    assert "<" not in IN_MARKUP.sub("", mrkdwn)
    assert not re.search(r"&(?!amp;|lt;|gt;)", mrkdwn)
    assert mrkdwn.count("`") % 2 == 0


def assert_taken(message: Message) -> None:
    """Slack takes it, as far as the sandbox knows Slack, with some room to its undocumented bound."""
    payload = NAMING.payload(message.payload())
    check_message(payload["text"], payload["blocks"])
    payload = message.payload()
    assert length(payload["text"]) <= 4000
    assert_whole(payload["text"])
    for text in text_objects(payload["blocks"]):
        if text["type"] == "mrkdwn":
            assert_whole(text["text"])
    assert sum(length(text["text"]) for text in text_objects(payload["blocks"])) < 13_000


few = settings(max_examples=40)

# --- Everything that can be drawn, at its longest -------------------------------------------------------

SOME = ["a", "W", "0", "&", "<", ">", "`", "*", "_", "@here", "://", "é", "\u2060", "👩\u200d👩\u200d👧"]


def typed_texts(most: int) -> st.SearchStrategy[str]:
    """Short ones, and such as are as long as may be, of one kind of character or of many."""
    mixed = st.lists(st.sampled_from(SOME), min_size=1, max_size=30).map("".join)
    repeated = st.sampled_from([*SOME, "x", "<&>`"]).map(lambda part: part * most)
    return st.one_of(mixed, repeated).map(lambda text: text[:most])


names = typed_texts(MAX_NAME)
reasons = typed_texts(MAX_REASON)
sentences = st.one_of(
    st.just(""),
    typed_texts(2000).map(literal),
    st.sampled_from([300, 9000]).flatmap(typed_texts).map(lambda text: escape(text.replace("`", "'"))),
)
PEOPLE = [f"U{number:010}" for number in range(70)]
GROUPS = [f"S{number:010}" for number in range(70)]
people = st.sampled_from(PEOPLE[:30])
who = st.sampled_from(
    [Who.of(few) for few in (PEOPLE[:1], PEOPLE[:40], PEOPLE, GROUPS, [*PEOPLE[:19], *GROUPS[:2]])]
)
moments = st.integers(0, 10**6).map(lambda minutes: NOW + timedelta(minutes=minutes))
balances = st.sampled_from([None, 0, -5, 998, 10**9, 10**15, -(10**15)])
amounts = st.sampled_from([1, -1, 5000, MAX_AMOUNT, -MAX_AMOUNT])

tiers = st.builds(
    Tier,
    name=st.one_of(st.just(""), typed_texts(400)),
    approvers=who,
    approvals=st.integers(1, 10),
    including=st.none() | who,
    subusers=names.flatmap(lambda name: st.sampled_from([("*",), (name, "*"), (name,) * 60])),
    direction=st.sampled_from(Direction),
    up_to=st.none() | st.just(MAX_AMOUNT),
)
policies = st.builds(
    Policy,
    tiers=st.lists(tiers, max_size=2).map(tuple),
    reminders=st.builds(Reminders, escalate_after=st.just(timedelta(minutes=1)) | st.none(), escalate_to=who),
)
rosters = st.builds(Roster, st.just({}), st.sampled_from([frozenset(), frozenset(GROUPS)]))
checks = st.builds(
    BalanceCheck,
    at=moments,
    type=st.sampled_from([None, "recurring", "nonrecurring"]),
    remain=balances,
    total=balances,
    reset_frequency=st.none() | typed_texts(40),
    next_reset=st.none() | st.just("2026-02-01") | typed_texts(40),
)
numbers = st.integers(1, MAX_REQUEST_ID)
changes = st.builds(Change, names, amounts)
relations = st.builds(Relation, numbers, st.sampled_from(RelationKind), numbers)
BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "id": numbers,
    "change": changes,
    "decided_with": st.lists(changes, max_size=3).map(tuple),
    "relations": st.lists(st.builds(Relation, numbers, st.just(RelationKind.AGAIN), numbers), max_size=2).map(
        tuple
    ),
    "reason": reasons,
    "status": st.sampled_from(Status),
    "requested_by": people,
    "approvals": st.sampled_from([0, 1, 2, 40]).map(
        lambda count: tuple(Approval(approver, NOW) for approver in PEOPLE[:count])
    ),
    "check": st.none() | checks,
    "decided_by": st.none() | people,
    "settled_by": st.none() | people | st.just("operator"),
    "explanation": st.none() | sentences,
    "beside": st.lists(
        st.builds(
            Neighbour,
            numbers,
            amounts,
            st.sampled_from(sorted(NEIGHBOURS)),
            people,
            st.none() | st.just(Place("C0ACME", "1700000000.000100")),
        ),
        max_size=3,
    ).map(tuple),
    "token": st.text("0123456789abcdef", min_size=32, max_size=32),
}
BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(1, 10),
    int | None: st.none() | numbers | balances,
    str | None: st.none() | reasons,
}
HINTS = get_type_hints(CreditRequest)


def field_of_a_request(name: str) -> st.SearchStrategy[Any]:
    if name in BY_NAME:
        return BY_NAME[name]
    if "at" in name.split("_") or name == "unclear_until":
        return moments if "None" not in str(HINTS[name]) else st.none() | moments
    return BY_TYPE[HINTS[name]]


requests = st.builds(
    CreditRequest, **{field.name: field_of_a_request(field.name) for field in fields(CreditRequest)}
)
"""Any values in any combination, also such as never come together: more than can be is no less drawn."""

KINDS = [
    *Status,
    *("held", "break_glass", "not_proven", "contradicted", NO_CARD, OLD_CARD),
    *(f"{REMINDER}30m", ESCALATED, f"{UNTOLD}U0000000001"),
]
kinds = st.sampled_from(KINDS)


@few
@given(requests, policies, rosters, moments, st.booleans())
def test_a_card_can_be_drawn_whatever_is_in_it(
    request: CreditRequest, policy: Policy, roster: Roster, now: Any, copy_above: bool
) -> None:
    message = request_card(request, policy, roster, now, copy_above=copy_above)
    assert_taken(message)
    change = f"{credits_(request.allocation_update)} for {request.subuser}"
    for block in message.payload()["blocks"]:
        for element in block.get("elements", []):
            if "confirm" in element:
                assert change in element["confirm"]["text"]["text"]


@few
@given(kinds, requests, st.booleans(), st.none() | st.just(LINK))
def test_a_notice_can_be_drawn_whatever_is_in_it(
    kind: str, request: CreditRequest, figures: bool, link: str | None
) -> None:
    place = Place("C0ACME", "1700000000.000100") if link else None
    assert_taken(notice(kind, request, figures=figures, place=place, link=link))


questions = st.builds(
    Question,
    token=st.just("0" * 32),
    origin=st.just("command:1"),
    person=people,
    command=st.builds(Ask, changes, reasons),
    at=moments,
    same=requests,
    card=st.none(),
)

events = st.builds(
    Event,
    kind=st.sampled_from(["requested", "attempt", "refused_click", "surprise"]),
    at=moments,
    actor=st.none() | people,
    detail=st.sampled_from([{}, {"outcome": "in_doubt", "status": 503}]),
)


@few
@given(st.lists(requests, min_size=1, max_size=2), names, st.lists(events, max_size=5), policies)
def test_an_answer_can_be_drawn_whatever_is_in_it(
    few: list[CreditRequest], subuser: str, happened: list[Event], policy: Policy
) -> None:
    listed, happened = (few * 10)[:10], happened * 20
    for message in (
        answers.asked(listed[0], "C0ACME"),
        *lists_of(listed, subuser),
        answers.show(record(listed[0], happened, policy=policy)),
        help_message(COMMANDS.values()),
    ):
        assert_taken(message)


@few
@given(names, balances, balances, st.none() | typed_texts(40), st.none() | sentences)
def test_a_balance_can_be_drawn_whatever_is_in_it(
    subuser: str, remain: int | None, total: int | None, told: str | None, problem: str | None
) -> None:
    told = told and told.replace("`", "'")
    known = Balance(remain, total, remain, total, told, told, told)
    credits_ = SubuserCredits("recurring", told, remain, total, remain)
    assert_taken(answers.balance(BalanceReport(ShowBalance(subuser), known, credits_, problem)))


@few
@given(requests, names, reasons, st.text(max_size=60), sentences)
def test_a_form_can_be_drawn_whatever_is_in_it(
    request: CreditRequest, subuser: str, reason: str, amount: str, metadata: str
) -> None:
    for view in (
        forms.ask(OpenForm("add", subuser, amount, reason), metadata),
        forms.deny(request, CARD),
        forms.break_glass(request, CARD),
        forms.settle(request, CARD, applied=True),
        forms.settle(request, CARD, applied=False),
        forms.done("Sent for approval", answers.asked(request, "C0ACME")),
    ):
        check_view(NAMING.payload(view))


@few
@given(questions, sentences)
def test_a_question_can_be_drawn_whatever_is_in_it(question: Question, metadata: str) -> None:
    assert_taken(answers.same_again(question, lambda _: LINK))
    view = forms.ask_anyway(question, answers.asked_already(question, lambda _: LINK), metadata)
    check_view(NAMING.payload(view))


points = st.builds(Point, st.integers(0, 10**13), st.sampled_from([None, "recurring"]), balances)
findings = st.builds(
    Finding,
    subuser=names,
    kind=st.sampled_from(Kind),
    before=points,
    after=points,
    changes=st.lists(
        st.fixed_dictionaries(
            {
                "request": numbers,
                "allocation_update": amounts,
                "landed": st.sampled_from(["yes", "no", "maybe"]),
                "settled_by": st.sampled_from([None, "person", "balance"]),
            }
        ),
        max_size=2,
    ).map(lambda few: tuple(few * 20)),
    expected=balances,
    usual=balances,
)


@few
@given(
    st.builds(
        Comparison,
        at=st.integers(0, 10**13),
        compared=numbers,
        not_comparable=numbers,
        findings=st.lists(findings, max_size=2).map(lambda few: tuple(few * 30)),
        unread=st.lists(names, max_size=2).map(lambda few: tuple(few * 20)),
        problem=st.none() | sentences,
    )
)
def test_a_comparison_can_be_drawn_whatever_is_in_it(found: Comparison) -> None:
    assert_taken(comparison(found))


@few
@given(st.dictionaries(names, amounts, max_size=3), st.lists(numbers, max_size=2), numbers)
def test_a_digest_can_be_drawn_whatever_is_in_it(net: dict[str, int], in_doubt: list[int], some: int) -> None:
    net = {f"{subuser}{n}": by for subuser, by in net.items() for n in range(20)}
    doubted = tuple(in_doubt * 20)
    day = Digest(0, some, some, {"applied": some}, some, net, some, doubted, some, "5f" * 32, some)
    assert_taken(digest(day))


LONGEST = "&" * MAX_REASON
LONGEST_NAME = "&" * MAX_NAME
AT_LENGTH: dict[str, Any] = {
    "id": MAX_REQUEST_ID,
    "change": Change(LONGEST_NAME, -MAX_AMOUNT),
    "decided_with": (),
    "relations": (),
    "reason": LONGEST,
    "requested_by": PEOPLE[0],
    "token": "0" * 32,
    "approvals": tuple(Approval(approver, NOW) for approver in PEOPLE),
    "check": BalanceCheck(NOW, "recurring", -(10**15), -(10**15), LONGEST, LONGEST),
    "decided_by": PEOPLE[0],
    "settled_by": PEOPLE[0],
    "explanation": escape(LONGEST * 10),
    "beside": (Neighbour(MAX_REQUEST_ID, -MAX_AMOUNT, Status.IN_DOUBT, PEOPLE[0], Place("C0ACME", "1.2")),)
    * 3,
}


def at_length(status: Status, **others: Any) -> CreditRequest:
    """A request in which everything is as long as it may be, or longer."""
    given: dict[str, Any] = AT_LENGTH | {"status": status} | others
    for name in HINTS.keys() - given.keys():
        moment = "at" in name.split("_") or name == "unclear_until"
        given[name] = NOW if moment else LONGEST if HINTS[name] == str | None else MAX_REQUEST_ID
    return CreditRequest(**given)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("less", [{}, {"contradicted_at": None}, {"contradicted_at": None, "approvals": ()}])
def test_all_that_is_shown_of_a_request_is_taken_at_its_longest(status: Status, less: dict[str, Any]) -> None:
    request, place = at_length(status, **less), Place("C0ACME", "1700000000.000100")
    tier = Tier(LONGEST, Who.of(PEOPLE), approvals=10, subusers=("*",), direction=Direction.BOTH)
    policy, roster = Policy((tier,)), Roster({}, frozenset())
    question = Question(
        "0" * 32, "command:1", PEOPLE[0], Ask(Change(LONGEST_NAME, 1), LONGEST), NOW, request, place
    )
    event = Event("x" * MAX_REASON, NOW, PEOPLE[0])

    def links(_: Place | None) -> str:
        return LINK

    for message in (
        request_card(request, policy, roster, NOW, copy_above=True, links=links),
        *(notice(kind, request, place=place, link=LINK) for kind in KINDS),
        moved(request, place, LINK),
        answers.asked(request, "C0ACME", links),
        answers.same_again(question, links),
        answers.cancelled(request),
        answers.show(record(request, [event] * 100, policy=policy)),
        *lists_of([request] * 10, LONGEST_NAME),
        sentence(UnreadableRequest(MAX_REQUEST_ID, [LONGEST_NAME] * 40).sentence),
    ):
        assert_taken(message)
    for view in (
        forms.deny(request, CARD),
        forms.break_glass(request, CARD),
        forms.settle(request, CARD, applied=True),
        forms.settle(request, CARD, applied=False),
        forms.ask(OpenForm("remove", LONGEST_NAME, LONGEST, LONGEST), LONGEST * 10),
        forms.ask_anyway(question, answers.asked_already(question, links), LONGEST * 10),
        forms.done("Sent for approval", answers.asked(request, "C0ACME", links)),
    ):
        check_view(NAMING.payload(view))


def test_all_other_messages_are_taken_at_their_longest() -> None:
    known = Balance(-(10**15), -(10**15), -(10**15), -(10**15), LONGEST, LONGEST, LONGEST)
    found = SubuserCredits("recurring", LONGEST, -(10**15), -(10**15), -(10**15))
    for message in (
        help_message(COMMANDS.values()),
        answers.balance(BalanceReport(ShowBalance(LONGEST_NAME), known, found, escape(LONGEST * 10))),
        unexpected("0" * 8),
        undone(Undone(LONGEST, escape(LONGEST * 10))),
        sentence(escape(LONGEST * 100)),
    ):
        assert_taken(message)


# --- The parts --------------------------------------------------------------------------------------------


MAKERS = {"message.py", "bounds.py", "data_blocks.py"}


def test_every_block_and_text_is_made_in_one_place() -> None:
    # Elsewhere none is written out, so nothing is made there that could be too long.
    for path in Path(creditbot.slack.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("slack_sdk.models"), path
            if isinstance(node, ast.Dict) and path.name not in MAKERS:
                keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
                assert not keys & {
                    "blocks",
                    "elements",
                    "fields",
                    "mrkdwn",
                    "text",
                    "rows",
                    "series",
                    "chart",
                }, path


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("short", 5, "short"),
        ("shorter", 6, "sho…"),
        ("by <@U1ALICE> now", 15, "by…"),
        ("by <@U1ALICE> now", 16, "by <@U1ALICE>…"),
        ("until <!date^1^{time}|9:30> or", 20, "until…"),
        ("see <https://x.example/|its card> in", 12, "see…"),
        ("a &amp; b", 7, "a…"),
        ("a &lt; bcdefgh", 11, "a &lt; b…"),
        ("for `acme-brand-7` now", 14, "for `acme-b…`"),
        ("*Waiting for approval* until", 14, "*Waiting fo…*"),
        ("*No `acme-brand-7`* now", 14, "*No `acme-b…`*"),
        ("`2 * 3 * 4` and more of it", 20, "`2 * 3 * 4` and m…"),
        ("```one two```", 10, "```one…```"),
        ("```one``` and two", 15, "```one``` a…"),
        ("", 5, "…"),
        (" \n", 5, "…"),
    ],
)
def test_a_cut_is_seen_and_leaves_nothing_half(text: str, most: int, shown: str) -> None:
    assert cut(text, most) == shown


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("a & b", 5, "a & b"),
        ("a & b <c>", 5, "a &…"),
        ("one two", 5, "one…"),
        ("", 5, "…"),
        ("👩\u200d👧 family", 5, "👩…"),
        ("👍👍", 3, "👍…"),
    ],
)
def test_plain_text_is_cut_between_characters(text: str, most: int, shown: str) -> None:
    assert cut_plain(text, most) == shown


@given(st.text(alphabet="a<@U1>&amp;`*| 👩\u200d", max_size=60), st.integers(1, 40))
def test_what_is_cut_is_never_longer_than_it_may_be(text: str, most: int) -> None:
    assert 0 < length(cut(text, most)) <= most
    assert 0 < length(cut_plain(text, most)) <= most


def test_each_part_keeps_its_bound() -> None:
    long = "x" * 5000
    rows = [(str(n), long) for n in range(12)]
    press = button(long, "go", "12", confirm=confirmation(long, long, yes=long, no=long), spoken=long)
    many = [button("Go", f"go{n}", "12") for n in range(30)]
    blocks = [header(long), section(long, accessory=press), typed(long), typed(f"https://a.example {long}")]
    blocks += [context(*[long] * 12), actions("row", press), actions("many", *many)]
    for block in [*blocks, facts(rows)]:
        assert not list(check_block(block, "/blocks/0", MESSAGE))


def test_the_first_wording_that_fits_is_what_is_confirmed() -> None:
    change = "x" * 290
    for texts, shown in [
        (("in full", "short"), "in full"),
        ((f"{change} and much more", change), change),
    ]:
        assert confirmation("Sure?", *texts, yes="Yes", no="No")["text"]["text"] == shown


def test_what_means_nothing_in_part_is_refused_rather_than_cut() -> None:
    makers: list[Callable[[], object]] = [
        lambda: button("Go", "go", "x" * 2001),
        lambda: button("Go", "x" * 256, "12"),
        lambda: actions("x" * 256),
        lambda: choice("word", "Word", [("x" * 76, "A")], chosen="A"),
    ]
    for make in makers:
        with pytest.raises(ValueError, match="where Slack takes"):
            make()


def test_a_text_that_stands_twice_in_a_message_is_cut_by_what_is_left_at_each_place() -> None:
    twice = section("x" * 2900)
    payload = Message("many", [twice] * 6).payload()
    assert [len(block["text"]["text"]) for block in payload["blocks"]] == [2900] * 4 + [400 - 2, 1]
    assert len(twice["text"]["text"]) == 2900


def test_blocks_beyond_what_a_message_takes_are_missed() -> None:
    payload = Message("many", [section(str(n)) for n in range(60)]).payload()
    assert len(payload["blocks"]) == bounds.BLOCKS
    assert payload["blocks"][-1]["text"]["text"] == "…"


def test_a_message_is_cut_from_its_end_and_keeps_its_buttons() -> None:
    press = actions("row", button("Approve", "approve", "12"))
    blocks = fitting([*[section("x" * 2900)] * 6, press, context("foot")])
    shown = [block["text"]["text"] for block in blocks[:6]]
    assert [len(text) for text in shown] == [2900] * 4 + [400 - 2, 1]
    assert blocks[6] == press
    assert blocks[7]["elements"][0]["text"] == "…"


def test_a_home_tab_has_a_hundred_blocks_and_more_text_than_a_message() -> None:
    view = home("home", [section("x" * 280)] * 110)
    check_view(view, frozenset({HOME}))
    assert [len(block["text"]["text"]) for block in view["blocks"]] == [280] * 99 + [1]
    assert sum(
        len(block["text"]["text"]) for block in home("home", [section("x" * 2900)] * 50)["blocks"]
    ) <= (bounds.ALL_HOME_BLOCKS + 50)


def test_a_forms_metadata_is_whole_or_not_there() -> None:
    assert modal("ask", "Title", [section("x")], close="Close", private_metadata="x" * 3001).get(
        "private_metadata"
    ) in (None, "")
    assert forms.deny(a_request(), CARD)["private_metadata"] == str(CARD)
