"""What people see: cards, notices, answers and forms, held as snapshots and against Slack's limits.

`make snapshots` writes the snapshots anew; read them in the diff.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from creditbot.domain.changes import Change
from creditbot.domain.commands import Ask, OpenForm, ShowBalance
from creditbot.domain.credits import Balance, SubuserCredits
from creditbot.domain.events import Event
from creditbot.domain.place import Place
from creditbot.domain.policy import Direction, Policy, Reminders, Tier
from creditbot.domain.questions import Question
from creditbot.domain.relations import Relation, RelationKind
from creditbot.domain.requests import BalanceCheck, CreditRequest, Neighbour, Status
from creditbot.domain.shown import Shown, terms
from creditbot.domain.who import Roster, Who
from creditbot.operations import BalanceReport
from creditbot.sandbox.slack.limits import check_message, check_view
from creditbot.sandbox.slack.rendering import mentions
from creditbot.slack import answers, forms
from creditbot.slack.boundary import unexpected
from creditbot.slack.cards.notices import notice
from creditbot.slack.commands import COMMANDS
from creditbot.slack.commands.help import message as help_message
from creditbot.slack.message import Message

from .example_requests import (
    APPROVER,
    NONRECURRING,
    NOW,
    OUTSIDER,
    POLICY,
    RECURRING,
    REQUESTER,
    SECOND_APPROVER,
    TOKEN,
    TWO_NEEDED,
    a_request,
    approvals,
    card,
    record,
)
from .listed import lists_of

CLICKER = "U4CLICK"
CARD = Shown(12, TOKEN, "0123456789abcdef")
SENT = NOW + timedelta(minutes=4)
ENDED = NOW + timedelta(minutes=5)
ONE = approvals(APPROVER)
TWO = approvals(APPROVER, SECOND_APPROVER)
ARITHMETIC = (
    "Balance before sending: 1,000. Balance afterwards: 6,000. Requested change: +5,000. A balance rises "
    "only if credits are added."
)
UNPROVEN = (
    "Balance before sending: 1,000. Balance afterwards: 990. Requested change: +5,000. Mail sent in between "
    "could explain this in either case. Used since: 10 if it was not applied, 5,010 if it was. In the 41 "
    "minutes before it was sent, 100 credits were used."
)
UNREAD = (
    "The policy changed before this was sent. creditbot can't read the members of <!subteam^S0FINANCE> in "
    "Slack, so it can't tell whether the approvals still count."
)

REQUESTS = {
    "pending": a_request(),
    "pending, not checked yet": a_request(check=None),
    "pending, one of two approvals": a_request(approvals_needed=2, approvals=ONE),
    "pending, two needed": a_request(approvals_needed=2),
    "pending, beside others": a_request(
        beside=(
            Neighbour(14, 5000, Status.PENDING, SECOND_APPROVER, Place("C0APPROVE", "1700000000.000100")),
            Neighbour(11, -200, Status.APPLIED, REQUESTER),
        )
    ),
    "pending, overtaken by another change": a_request(overtaken_by=7),
    "pending, to remove": a_request(allocation_update=-400),
    "pending, asked again": a_request(relations=(Relation(12, RelationKind.AGAIN, 7),)),
    "pending, lasts until the reset": a_request(check=RECURRING),
    "pending, reset not reported": a_request(check=BalanceCheck(NOW, "recurring", None, None, None, None)),
    "approved": a_request(Status.APPROVED, approvals=ONE, decided_by=APPROVER),
    "approved, waits for another": a_request(Status.APPROVED, approvals=TWO, waits_for=7),
    "approved, waits for a user group": a_request(
        Status.APPROVED, approvals=ONE, decided_by=APPROVER, explanation=UNREAD
    ),
    "applying": a_request(Status.APPLYING, approvals=ONE, remain_before=998),
    "applied": a_request(
        Status.APPLIED,
        approvals=TWO,
        answer_status=200,
        remain_before=998,
        remain_before_at=SENT,
        remain_after=5998,
        remain_after_at=ENDED,
        finished_at=ENDED,
    ),
    "applied, balance not reported": a_request(
        Status.APPLIED,
        approvals=ONE,
        answer_status=200,
        remain_before=998,
        remain_before_at=SENT,
        finished_at=ENDED,
    ),
    "applied, proven by the balances": a_request(
        Status.APPLIED,
        approvals=ONE,
        remain_before=1000,
        remain_before_at=SENT,
        remain_after=6000,
        remain_after_at=ENDED,
        finished_at=ENDED,
        explanation=ARITHMETIC,
    ),
    "applied, settled by a person": a_request(
        Status.APPLIED,
        approvals=ONE,
        remain_before=1000,
        remain_before_at=SENT,
        finished_at=ENDED,
        settled_by=SECOND_APPROVER,
        settled_reason="The dashboard shows 6,000",
    ),
    "failed": a_request(
        Status.FAILED,
        approvals=ONE,
        answer_status=403,
        remain_before=998,
        remain_before_at=SENT,
        finished_at=ENDED,
        explanation="SendGrid answered 403: “access forbidden”.",
    ),
    "failed, settled by the operator": a_request(
        Status.FAILED,
        approvals=ONE,
        finished_at=ENDED,
        settled_by="operator",
        settled_reason="Not in the log",
    ),
    "cancelled by an operator who gave a name": a_request(
        Status.CANCELLED,
        approvals=ONE,
        decided_by="operator:*carol* <!channel>",
        decided_at=ENDED,
        finished_at=ENDED,
        decision_reason="Was sent before the backup",
    ),
    "failed, asked again": a_request(
        Status.FAILED,
        approvals=ONE,
        answer_status=403,
        finished_at=ENDED,
        explanation="SendGrid answered 403: “access forbidden”.",
        relations=(Relation(14, RelationKind.AGAIN, 12),),
    ),
    "failed, contradicted": a_request(
        Status.FAILED,
        approvals=ONE,
        finished_at=ENDED,
        settled_by=SECOND_APPROVER,
        settled_reason="Not in the console",
        explanation="But SendGrid's own answer came later and says that the change was applied. Check the "
        "subuser in SendGrid.",
        contradicted_at=ENDED,
    ),
    "in doubt": a_request(
        Status.IN_DOUBT,
        approvals=ONE,
        remain_before=1000,
        remain_before_at=SENT,
        explanation="SendGrid did not answer within 10 seconds.",
    ),
    "in doubt, with evidence": a_request(
        Status.IN_DOUBT,
        approvals=TWO,
        check=replace(NONRECURRING, remain=1100),
        remain_before=1000,
        remain_before_at=NOW + timedelta(minutes=41),
        remain_after=990,
        remain_after_at=NOW + timedelta(minutes=42),
        used_before=100,
        used_since=10,
        explanation=UNPROVEN,
    ),
    "in doubt, a removal read once": a_request(
        Status.IN_DOUBT,
        approvals=ONE,
        allocation_update=-250,
        remain_before=1000,
        remain_before_at=SENT,
        remain_after=990,
        remain_after_at=ENDED,
        read_again_at=ENDED + timedelta(minutes=3),
        explanation="Balance before sending: 1,000. Balance afterwards: 990. Requested change: −250. Had "
        "they been removed, at most 750 would be left.",
    ),
    "pending, two needed, whose first may not approve any more": a_request(
        approvals=approvals(OUTSIDER), approvals_needed=2
    ),
    "applied, approved in an emergency": a_request(
        Status.APPLIED,
        answer_status=200,
        remain_after=6000,
        remain_after_at=ENDED,
        finished_at=ENDED,
        decided_by=REQUESTER,
        decided_at=ENDED,
        break_glass_reason="Black Friday mail stands still, and nobody answers the phone",
    ),
    "denied": a_request(
        Status.DENIED, decided_by=APPROVER, decided_at=ENDED, decision_reason="Too much for one weekend"
    ),
    "cancelled": a_request(Status.CANCELLED, decided_by=REQUESTER, decided_at=ENDED),
    "expired": a_request(Status.EXPIRED, approvals_needed=2, approvals=ONE),
    "refused": a_request(
        Status.REFUSED, check=None, explanation="Subuser `acme` has unlimited credits. Nothing was sent."
    ),
}


def policy_of(name: str) -> Policy:
    """The policy under which this is a request."""
    return TWO_NEEDED if "two" in name else POLICY


POLICIES = {
    "nobody may approve": Policy.one_tier([]),
    "only the requester may approve": Policy.one_tier([REQUESTER]),
    "two of a list, one of them of another": Policy(
        tiers=(
            Tier(
                "large",
                Who.of([APPROVER, SECOND_APPROVER]),
                2,
                Who.of(["S0FINANCE"]),
                subusers=("ac*", "globex"),
                direction=Direction.ADD,
                above=1000,
                up_to=50000,
            ),
        )
    ),
    "one of another list, approved by nobody on it": Policy(
        tiers=(Tier("large", Who.of([APPROVER]), 1, Who.of([SECOND_APPROVER])),)
    ),
    "no tier covers it": Policy(tiers=(Tier("small", Who.of([APPROVER]), up_to=100),)),
    "the requester is one of the approvers": Policy.one_tier([REQUESTER, APPROVER]),
}

REPORTS = {
    "parent": BalanceReport(
        ShowBalance(None), Balance(15000, 40000, 0, 25000, "2026-01-01", "2026-02-01", "monthly")
    ),
    "parent, nothing reported": BalanceReport(ShowBalance(None), Balance()),
    "customer account": BalanceReport(ShowBalance("account-id 12345"), Balance(0, 100, 3, 103)),
    "recurring": BalanceReport(
        ShowBalance("acme"),
        Balance(99, 100, 0, 1, "2026-01-01T00:00:00Z", "2026-02-01", "monthly"),
        SubuserCredits("recurring", "monthly", 99, 100, 1),
    ),
    "nonrecurring": BalanceReport(
        ShowBalance("acme"),
        Balance(remain=5000, last_reset="2026-01-01"),
        SubuserCredits("nonrecurring", None, 5000),
    ),
    "unlimited": BalanceReport(
        ShowBalance("acme"), Balance(500, 1000, 0, 500), SubuserCredits("unlimited", None, None, None, None)
    ),
    "part of it missing": BalanceReport(
        ShowBalance("acme"),
        Balance(remain=7),
        None,
        "SendGrid answered 403. creditbot's API key may not do this.",
    ),
}


EVENTS = [
    Event("requested", NOW, REQUESTER),
    Event("checked", NOW + timedelta(seconds=1), None, {"type": "nonrecurring", "remain": 1000}),
    Event("refused_click", NOW + timedelta(seconds=2), CLICKER, {"rule": "not_an_approver"}),
    Event("approved", NOW + timedelta(seconds=3), APPROVER),
    Event("attempt", NOW + timedelta(seconds=4), None, {"number": 1, "remain_before": 998}),
    Event("answer", NOW + timedelta(seconds=5), None, {"outcome": "rate_limited", "status": 429}),
    Event("settled", NOW + timedelta(seconds=6), "operator:carol"),
]


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_card(name: str, snapshot: SnapshotAssertion) -> None:
    assert card(REQUESTS[name], policy_of(name)).payload() == snapshot


def test_a_card_under_a_looser_policy_says_that_one_click_is_enough(snapshot: SnapshotAssertion) -> None:
    assert card(a_request(approvals=ONE, approvals_needed=2), POLICY).payload() == snapshot


def test_a_card_does_not_say_that_someone_left_a_group_that_cannot_be_read() -> None:
    blind = Roster({}, frozenset({"S0FINANCE"}))
    text = card(a_request(approvals=approvals("U5CAROL")), TWO_NEEDED, blind).text
    unread = "can't read the members of <!subteam^S0FINANCE> in Slack, so it can't tell whether that counts"
    assert unread in text
    assert "no longer" not in text


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        (POLICY, "Enough people have approved"),
        (TWO_NEEDED, "Needs 1 more approval"),
        (Policy.one_tier([APPROVER, SECOND_APPROVER, OUTSIDER], 3), "Needs 2 more approvals"),
    ],
)
def test_showing_a_request_counts_as_its_card_does(policy: Policy, says: str) -> None:
    request = a_request(approvals=ONE, approvals_needed=2)
    for message in (answers.show(record(request, [], policy=policy)), card(request, policy)):
        assert says in message.text


def test_once_it_is_escalated_the_backup_can_complete_what_lacks_the_second_list() -> None:
    policy = replace(
        POLICIES["one of another list, approved by nobody on it"],
        reminders=Reminders(escalate_after=timedelta(minutes=5), escalate_to=Who.of([OUTSIDER])),
    )
    assert f"Needs 1 approval from <@{SECOND_APPROVER}>, <@{OUTSIDER}>." in card(a_request(), policy).text


@pytest.mark.parametrize("name", ["applied", "applied, proven by the balances", "in doubt, with evidence"])
def test_whoever_may_not_see_balances_is_told_what_became_of_a_request_without_them(name: str) -> None:
    request = replace(
        REQUESTS[name],
        remain_before=998,
        remain_before_at=SENT,
        remain_after=REQUESTS[name].remain_after or 6004,
    )
    told = (
        notice(request.status, request, figures=False),
        answers.show(record(request, EVENTS, figures=False)),
    )
    balances = ["1,000", "998", "6,000", "6,004", "990"]
    for message in told:
        assert request.status.replace("_", " ") in message.text.lower()
        assert not [balance for balance in balances if balance in json.dumps(message.payload())]
    seen = json.dumps(
        [notice(request.status, request).payload(), answers.show(record(request, EVENTS)).payload()]
    )
    assert [balance for balance in balances if balance in seen]


def test_a_coming_reset_is_told_where_a_request_is_shown_while_its_change_is_still_to_count() -> None:
    coming = a_request(Status.APPROVED, check=RECURRING)
    assert "sets the balance to 40,000 anew" in str(answers.show(record(coming, EVENTS)).payload())
    hidden = str(answers.show(record(coming, EVENTS, figures=False)).payload())
    assert "Lasts only until the next reset" in hidden
    assert "40,000" not in hidden
    over = a_request(Status.DENIED, check=RECURRING)
    assert "next reset" not in str(answers.show(record(over, EVENTS)).payload())


def test_the_reason_of_whoever_cancelled_is_not_called_that_of_a_denial() -> None:
    cancelled = a_request(Status.CANCELLED, decision_reason="Was sent before the backup")
    text = str(answers.show(record(cancelled, EVENTS)).payload())
    assert "Cancelled because: Was sent before the backup" in text
    assert "Denied because" not in text


def test_whoever_may_not_see_balances_reads_why_where_a_request_is_shown() -> None:
    message = answers.show(record(REQUESTS["applied"], EVENTS, figures=False))
    why = "You may not see balances. Ask one of: <!subteam^S0FINANCE>. Rule: may_see."
    assert message.text.endswith(why)
    assert message.payload()["blocks"][-1]["elements"][0]["text"] == why


def test_the_time_of_a_reset_is_written_as_every_other_time() -> None:
    check = replace(RECURRING, next_reset="2026-02-01T00:00:00Z")
    assert "on <!date^1769904000^{date_short} at {time}|2026-02-01 00:00 UTC>" in json.dumps(
        card(a_request(check=check), POLICY).payload()
    )


def test_a_card_that_may_have_a_copy_above_says_what_to_make_of_it() -> None:
    message = card(a_request(relations=(Relation(12, RelationKind.AGAIN, 7),)), POLICY, copy_above=True)
    said = "There may be an earlier copy of this card above. A click on either one brings it up to date."
    assert said in [part["text"] for part in message.payload()["blocks"][-1]["elements"]]
    assert said in message.text
    assert_fit(message.payload())


@pytest.mark.parametrize("name", POLICIES)
def test_a_card_by_policy(name: str, snapshot: SnapshotAssertion) -> None:
    assert card(a_request(), POLICIES[name]).payload() == snapshot


TOLD = [name for name in REQUESTS if not name.startswith(("pending", "applying"))]


@pytest.mark.parametrize("name", TOLD)
def test_a_notice(name: str, snapshot: SnapshotAssertion) -> None:
    assert notice(REQUESTS[name].status, REQUESTS[name]).payload() == snapshot


@pytest.mark.parametrize("kind", ["reminder_1", "escalated"])
def test_a_notice_that_asks_for_a_decision(kind: str, snapshot: SnapshotAssertion) -> None:
    assert notice(kind, REQUESTS["pending"]).payload() == snapshot


@pytest.mark.parametrize("kind", ["reminder_30m", "escalated", "not_proven", "no_card"])
def test_a_notice_links_to_the_card_and_names_its_channel(kind: str) -> None:
    place, link = (
        Place("C0ACME", "1700000000.000100"),
        "https://team.slack.com/archives/C0ACME/p1700000000000100",
    )
    linked = notice(kind, REQUESTS["pending"], place=place, link=link)
    assert f" <{link}|Request {REQUESTS['pending'].id}>, " in linked.text
    assert f"<{link}|its card> in <#C0ACME>" in linked.text
    unposted = notice(kind, REQUESTS["pending"], place=Place("C0ACME"))
    assert "its card in <#C0ACME>" in unposted.text
    assert "http" not in unposted.text


@pytest.mark.parametrize("name", REPORTS)
def test_a_balance(name: str, snapshot: SnapshotAssertion) -> None:
    assert answers.balance(REPORTS[name]).payload() == snapshot


SAME_AGAIN = Question(
    token="0" * 32,
    origin="command:1",
    person="U0ALICE",
    command=Ask(Change("acme", 5000), "The *second* batch"),
    at=NOW,
    same=REQUESTS["pending"],
)

ANSWERS = {
    "help": help_message(COMMANDS.values()),
    "asked": answers.asked(REQUESTS["pending"], "C0APPROVE"),
    "asked for the same again": answers.same_again(SAME_AGAIN),
    "asked, delivered again after the end": answers.asked(REQUESTS["denied"], "C0APPROVE"),
    "show": answers.show(record(REQUESTS["applied, settled by a person"], EVENTS)),
    "show, asked again": answers.show(record(REQUESTS["pending, asked again"], EVENTS[:1])),
    "unexpected error": unexpected("0123abcd"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer(name: str, snapshot: SnapshotAssertion) -> None:
    assert ANSWERS[name].payload() == snapshot


FORMS = {
    "ask": forms.ask(OpenForm(), '{"response_url": "https://hooks.slack.com/x"}'),
    "ask, filled in": forms.ask(OpenForm("remove", "acme", "5k", "sold less"), "{}"),
    "ask, filled in with an amount that is not clear": forms.ask(
        OpenForm("add", "acme", "5 000", "Black Friday"), "{}"
    ),
    "approve in an emergency": forms.break_glass(a_request(), CARD),
    "deny": forms.deny(REQUESTS["pending"], CARD),
    "settle as applied": forms.settle(REQUESTS["in doubt"], CARD, applied=True),
    "settle as not applied": forms.settle(REQUESTS["in doubt"], CARD, applied=False),
    "ask anyway": forms.ask_anyway(SAME_AGAIN, answers.asked_already(SAME_AGAIN), "{}"),
    "done": forms.done("Sent for approval", ANSWERS["asked"]),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form(name: str, snapshot: SnapshotAssertion) -> None:
    view = FORMS[name]
    check_view(view)
    assert view == snapshot


def buttons(message: Message) -> list[dict[str, Any]]:
    blocks = message.payload().get("blocks", [])
    return [element for block in blocks if block["type"] == "actions" for element in block["elements"]]


@pytest.mark.parametrize("name", REQUESTS)
def test_a_card_is_alive_only_while_something_can_be_decided(name: str) -> None:
    labels = [button["text"]["text"] for button in buttons(card(REQUESTS[name], policy_of(name)))]
    expected: list[str] = []
    if name.startswith("pending"):
        expected = ["Approve", "Deny", "Cancel"]
        if REQUESTS[name].approvals:
            expected.insert(2, "Withdraw approval")
    elif name.startswith("approved"):
        expected = ["Cancel"]
    elif name.startswith("in doubt"):
        expected = ["It was applied", "It was not applied", "Check again"]
    elif name in {"failed", "failed, settled by the operator"}:
        expected = ["Request again"]
    assert labels == expected


@pytest.mark.parametrize("name", REQUESTS)
def test_a_button_carries_which_request_the_card_shows_and_its_terms_and_nothing_else(name: str) -> None:
    request, policy = REQUESTS[name], policy_of(name)
    for button in buttons(card(request, policy)):
        assert button["value"] == f"12.{TOKEN}{terms(request, policy, NOW + timedelta(minutes=5))}"


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.APPLIED])
def test_applied_is_said_of_nothing_that_was_not(status: Status) -> None:
    # Never pretended: whatever figures a request carries, only the state says that it was applied.
    request = a_request(
        status, approvals=ONE, answer_status=200, remain_before=1, remain_after=2, finished_at=ENDED
    )
    message = card(request, POLICY)
    assert "*Applied*" not in json.dumps(message.payload())
    assert not message.payload()["blocks"][0]["text"]["text"].startswith("Applied")


@pytest.mark.parametrize(
    "name", [name for name in REQUESTS if name.startswith(("denied", "cancelled", "expired"))]
)
def test_an_end_without_a_change_says_that_nothing_was_changed(name: str) -> None:
    for message in (card(REQUESTS[name], policy_of(name)), notice(REQUESTS[name].status, REQUESTS[name])):
        assert "Nothing was changed." in message.text


def test_an_unlimited_subusers_balance_never_shows_a_number_that_does_not_count() -> None:
    text = answers.balance(REPORTS["unlimited"]).text
    assert "Remaining: unlimited, Total: unlimited" in text


def test_a_balance_at_or_below_nothing_has_an_empty_bar_and_above_its_total_a_full_one() -> None:
    def drawn(remain: int, total: int) -> str:
        return answers.balance(BalanceReport(ShowBalance(None), Balance(remain=remain, total=total))).text

    assert f"`{'░' * 20}` 0% left" in drawn(-5, 100)
    assert f"`{'█' * 20}` 100% left" in drawn(500, 100)
    assert f"`{'█' * 19}░` 99% left" in drawn(9999, 10000)
    assert "% left" not in drawn(0, 0)


HOSTILE = [
    "@here",
    "@channel",
    "@everyone",
    "<!channel>",
    "<!here|x>",
    "<@U3OTHER>",
    "<!subteam^S1>",
    "*bold*",
    "_it_",
    "~no~",
    "`code`",
    "```",
    "&lt;",
    "&amp;",
    ":tada:",
    "<http://evil.example|bank>",
    "https://evil.example",
    "\u202e",
    "{x}",
    "%s",
    "&" * 60,
    "x" * 60,
    "`" * 60,
    "Ω",
]

hostile_names = st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=4).map(
    lambda parts: "".join(parts)[:128]
)
hostile_reasons = st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=60).map(
    lambda parts: " ".join(parts)[:500]
)
MARK = re.compile(r"<[^<>]*>")
OURS = re.compile(
    r"<@(U0ASKER|U1ALICE|U2BERND|U3OTHER|U4CLICK)>|<#C0APPROVE>"
    r"|<!subteam\^S0FINANCE>|<!date\^\d+\^[^<>|]+\|[-0-9: ]+UTC>"
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


def rich_texts(blocks: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for block in blocks:
        if block["type"] == "rich_text":
            (inside,) = block["elements"]
            yield inside["elements"]


def read(parts: list[dict[str, Any]]) -> str:
    return "".join(part["text"] for part in parts)


def assert_harmless(text: str) -> None:
    """Nothing links, mentions or calls but what creditbot itself wrote."""
    for mark in MARK.findall(text):
        assert OURS.fullmatch(mark), mark
    assert "<" not in MARK.sub("", text)
    assert not re.search("@(here|channel|everyone)", text, re.IGNORECASE)


def assert_fit(payload: dict[str, Any]) -> None:
    check_message(payload["text"], payload["blocks"])
    assert len(payload["text"]) <= 4000
    assert_harmless(payload["text"])
    for part in text_objects(payload["blocks"]):
        if part["type"] == "mrkdwn":
            assert part["verbatim"] is True
            assert_harmless(part["text"])
        else:
            assert part["emoji"] is False
    for rich_text in rich_texts(payload["blocks"]):
        for part in rich_text:
            # A link shows where it leads, and nothing else is more than text.
            link = {"type": "link", "url": part["text"], "text": part["text"]}
            assert part in ({"type": "text", "text": part["text"]}, link)
    assert mentions(payload["blocks"]) <= {
        REQUESTER,
        APPROVER,
        SECOND_APPROVER,
        OUTSIDER,
        CLICKER,
        "S0FINANCE",
    }


def hostile(request: CreditRequest, subuser: str, reason: str) -> CreditRequest:
    fields = {field: getattr(request, field) for field in request.__dataclass_fields__}
    fields |= {"change": Change(subuser, -1_000_000_000), "reason": reason}
    if request.decision_reason:
        fields["decision_reason"] = reason
    if request.settled_reason:
        fields["settled_reason"] = reason
    return CreditRequest(**fields)


@given(st.sampled_from(sorted(REQUESTS)), hostile_names, hostile_reasons)
@example("in doubt, with evidence", "&" * 128, "&" * 500)
@example("denied", "`" * 128, "<" * 500)
@example("applied, settled by a person", "@here" * 25, "@channel " * 55)
def test_whatever_people_type_a_card_and_its_notice_fit_and_call_nobody(
    name: str, subuser: str, reason: str
) -> None:
    request = hostile(REQUESTS[name], subuser, reason)
    assert_fit(card(request, POLICY).payload())
    assert_fit(notice(request.status, request).payload())
    assert_fit(answers.asked(request, "C0APPROVE").payload())


@given(st.sampled_from(sorted(REQUESTS)), hostile_names, hostile_reasons)
@example("pending", "&" * 128, "&" * 500)
def test_whatever_people_type_lists_and_forms_fit_and_call_nobody(
    name: str, subuser: str, reason: str
) -> None:
    request = hostile(REQUESTS[name], subuser, reason)
    ten = [request] * 10
    for message in (
        *lists_of(ten, subuser),
        answers.show(record(request, EVENTS)),
        answers.balance(
            BalanceReport(ShowBalance(subuser), Balance(1, 2, None, None, subuser, subuser, reason))
        ),
    ):
        assert_fit(message.payload())
    for view in (
        forms.ask(OpenForm("add", subuser, reason, reason), "{}"),
        forms.deny(request, CARD),
        forms.settle(request, CARD, applied=True),
        forms.done("Sent for approval", answers.asked(request, "C0APPROVE")),
    ):
        check_view(view)


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_the_text_behind_the_blocks_formats_and_links_nothing_that_people_type(name: str) -> None:
    subuser, reason = "*Typed*.example", "*Typed* _Typed_ ~Typed~ :Typed: https://typed.example/ `Typed`"
    request = hostile(REQUESTS[name], subuser, reason)
    ten = [request] * 10
    for message in (
        card(request, POLICY),
        notice(request.status, request),
        notice("break_glass", replace(request, break_glass_reason=reason)),
        answers.asked(request, "C0APPROVE"),
        *lists_of(ten, subuser),
        answers.show(record(request, EVENTS)),
        answers.balance(BalanceReport(ShowBalance(subuser), Balance(1, 2, None, None))),
    ):
        outside_code_spans = "".join(message.text.split("`")[::2])
        assert "Typed" not in outside_code_spans
        assert "://" not in message.text


@given(hostile_names, hostile_reasons)
def test_the_approver_reads_name_and_reason_exactly_as_they_were_typed(subuser: str, reason: str) -> None:
    # In plain text nothing is formatted, so nothing may be escaped or lost either.
    payload = card(a_request(subuser=subuser, reason=reason), POLICY).payload()
    plain = [part["text"] for part in text_objects(payload["blocks"]) if part["type"] == "plain_text"]
    assert f"Reason: {reason}" in [*plain, *map(read, rich_texts(payload["blocks"]))]
    assert any(subuser in text for text in plain)


def test_a_tickets_address_is_a_link_wherever_a_reason_is_shown() -> None:
    why = "Black Friday, see https://jira.example/OPS-12."
    denied = a_request(Status.DENIED, reason=why, decided_by=APPROVER, decided_at=ENDED, decision_reason=why)
    for message, begins in (
        (card(replace(denied, status=Status.PENDING), POLICY), ["Reason: "]),
        (card(denied, POLICY), ["Denied because: "]),
        (notice("denied", denied), ["Reason: "]),
        (answers.show(record(denied, EVENTS)), ["Reason: ", "Denied because: "]),
    ):
        found = list(rich_texts(message.payload()["blocks"]))
        assert [read(parts) for parts in found] == [f"{begin}{why}" for begin in begins]
        for parts in found:
            assert [part["url"] for part in parts if part["type"] == "link"] == [
                "https://jira.example/OPS-12"
            ]


def test_a_long_story_is_told_with_its_latest_events() -> None:
    events = [replace(EVENTS[2], at=NOW + timedelta(seconds=n)) for n in range(60)]
    message = answers.show(record(a_request(), [*events, EVENTS[-1]]))
    check_message(message.text, message.payload()["blocks"])
    assert "doubt settled by `carol` (command line)" in message.payload()["blocks"][-1]["text"]["text"]


def test_the_snapshots_themselves_keep_slacks_limits() -> None:
    messages = [card(request, POLICY) for request in REQUESTS.values()]
    messages += [notice(REQUESTS[name].status, REQUESTS[name]) for name in TOLD]
    messages += [answers.balance(report) for report in REPORTS.values()]
    messages += [card(a_request(), policy) for policy in POLICIES.values()]
    for message in [*messages, *ANSWERS.values()]:
        assert_fit(message.payload())


def test_a_moment_can_be_read_where_slack_cannot_draw_it() -> None:
    assert "2026-01-23 09:30 UTC" in card(REQUESTS["pending"], POLICY).text
    assert NONRECURRING.at == NOW
