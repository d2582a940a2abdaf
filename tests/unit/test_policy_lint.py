"""Policies that can't work, and what would happen to a change."""

from dataclasses import replace
from datetime import timedelta

import pytest

from creditbot.domain.changes import Change
from creditbot.domain.explain import Scenario, explain
from creditbot.domain.markup import without_markup
from creditbot.domain.policy import Direction, Limits, Policy, Reminders, Route, Tier, Usage
from creditbot.domain.policy_lint import lint
from creditbot.domain.who import Roster, Who

ANN, BEN, CAT = "U0ANN", "U0BEN", "U0CAT"
ALL = Who.of([ANN, BEN, CAT])
ROSTER = Roster({"S0FINANCE": frozenset({CAT}), "S0EMPTY": frozenset()})
GOOD = Policy(tiers=(Tier("small", ALL, up_to=100), Tier("large", ALL, 2)))


def said(policy: Policy, roster: Roster = ROSTER) -> list[tuple[bool, str]]:
    return [(finding.fault, without_markup(finding.sentence)) for finding in lint(policy, roster)]


def test_nothing_is_said_of_a_good_policy() -> None:
    assert said(GOOD) == []


@pytest.mark.parametrize(
    ("policy", "fault", "sentence"),
    [
        (Policy(), True, "Nobody can approve anything"),
        (replace(GOOD, may_ask=Who()), True, "Nobody can ask"),
        (Policy(tiers=(Tier("a", ALL), Tier("b", ALL, up_to=5))), True, "Tier b is never reached: a before"),
        (
            Policy(tiers=(Tier("a", ALL, subusers=("x", "y")), Tier("b", ALL, subusers=("y",)))),
            True,
            "Tier b is never reached",
        ),
        (
            Policy(tiers=(Tier("a", ALL, subusers=("brand-*",)), Tier("b", ALL, subusers=("Brand-VIP",)))),
            True,
            "Tier b is never reached: a before it covers everything that it is for. Put it first",
        ),
        (
            Policy(
                tiers=(
                    Tier("a", ALL, direction=Direction.ADD),
                    Tier("b", ALL, direction=Direction.REMOVE, above=9),
                    Tier("c", ALL, direction=Direction.REMOVE, up_to=9),
                    Tier("d", ALL),
                )
            ),
            True,
            "Tier d is never reached: a, b and c before it together cover everything that it is for.",
        ),
        (
            replace(GOOD, limits=Limits(per_request=500, in_all_24h=100)),
            False,
            "Tier large is never reached while limits.in_all_24h is 100: the tiers before it cover all up to",
        ),
        (
            Policy(tiers=(Tier("a", ALL, up_to=5), Tier("b", ALL, above=5000)), limits=Limits(per_request=9)),
            False,
            "b is never reached: it is for changes of more than 5,000 credits, and limits.per_request is 9.",
        ),
        (
            Policy(tiers=(Tier("a", ALL, above=1_000_000_000),)),
            True,
            "and the most that a request may change is 1,000,000,000.",
        ),
        (
            replace(GOOD, routes=(Route(("brand-*",), "C0A"), Route(("brand-vip", "brand-?"), "C0B"))),
            True,
            "Entry 2 of channels (brand-vip, brand-?) is never reached: those before it cover all its",
        ),
        (
            replace(GOOD, reminders=Reminders((timedelta(hours=24),))),
            True,
            "The reminder after 24 hours is never sent: every request has expired by then. Set it earlier",
        ),
        (
            replace(
                GOOD,
                tiers=(Tier("short", ALL, up_to=5, expiry=timedelta(hours=1)), Tier("long", ALL)),
                reminders=Reminders((timedelta(hours=4),)),
            ),
            False,
            "The reminder after 4 hours is never sent for requests of tier short: they have expired by then.",
        ),
        (
            replace(GOOD, reminders=Reminders((), None, timedelta(days=2), Who.of(["U0OTHER"]))),
            True,
            "The escalation after 2 days never happens: every request has expired by then.",
        ),
        (
            Policy(tiers=(Tier("t", ALL, 4),)),
            True,
            "Tier t can never be approved: it needs 4 approvals, and there are 3",
        ),
        (Policy(tiers=(Tier("t", Who.of(["S0EMPTY"])),)), True, "and there is nobody"),
        (
            Policy(tiers=(Tier("t", ALL, 3),)),
            True,
            "can't be approved if it is requested by U0ANN, U0BEN, U0CAT, because nobody approves their own",
        ),
        (
            Policy(tiers=(Tier("t", Who.of([ANN, BEN]), 1, Who.of(["S0FINANCE"])),)),
            True,
            "by U0CAT, because nobody approves their own requests: it needs one of S0FINANCE, and nobody",
        ),
        (Policy(tiers=(Tier("t", ALL, 1, Who.of(["S0EMPTY"])),)), True, "it needs one of S0EMPTY"),
        (
            replace(GOOD, may_ask=Who.of([ANN]), break_glass=Who.of([BEN])),
            True,
            "U0BEN is named under break_glass but may not ask",
        ),
        (
            replace(GOOD, reminders=Reminders((), None, timedelta(hours=1), Who.of([ANN]))),
            False,
            "so it adds nobody",
        ),
        (
            replace(GOOD, reminders=Reminders((), None, timedelta(hours=1), Who.of(["S0EMPTY"]))),
            True,
            "an escalation reaches nobody",
        ),
    ],
)
def test_what_cannot_work_is_named(policy: Policy, fault: bool, sentence: str) -> None:
    found = said(policy)
    assert any(kind == fault and sentence in text for kind, text in found), found


def test_a_group_that_could_not_be_read_is_no_fault_of_the_policy() -> None:
    found = said(Policy(tiers=(Tier("t", Who.of(["S0FINANCE"])),)), Roster({}, frozenset({"S0FINANCE"})))
    assert found == [
        (
            False,
            "Tier t: the members of S0FINANCE are not known, so it is not known whether it can be approved.",
        )
    ]


@pytest.mark.parametrize(
    ("limits", "sentences"),
    [
        (
            Limits(per_request=500, per_requester_24h=200, per_subuser_24h=150),
            ["limits.per_request (500) is never reached: limits.per_subuser_24h is 150."],
        ),
        (
            Limits(per_requester_24h=2000, per_subuser_24h=3000, in_all_24h=1000),
            [
                "limits.per_requester_24h (2,000) is never reached: limits.in_all_24h is 1,000.",
                "limits.per_subuser_24h (3,000) is never reached: limits.in_all_24h is 1,000.",
            ],
        ),
        (Limits(500, 500, 500, 500), []),
        (Limits(per_request=500, per_requester_24h=900, per_subuser_24h=600, in_all_24h=1000), []),
    ],
)
def test_a_limit_that_another_one_forestalls_is_named(limits: Limits, sentences: list[str]) -> None:
    assert said(replace(GOOD, limits=limits)) == [(False, sentence) for sentence in sentences]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Tier("a", ALL, up_to=100), Tier("b", ALL)),
        (Tier("a", ALL, subusers=("x*",)), Tier("b", ALL, subusers=("y*",))),
        (Tier("a", ALL, direction=Direction.ADD), Tier("b", ALL)),
        (Tier("a", ALL, above=10), Tier("b", ALL, up_to=10)),
        (Tier("a", ALL, subusers=("brand-vip",)), Tier("b", ALL, subusers=("brand-*",))),
        (Tier("a", ALL, subusers=("a?",)), Tier("b", ALL, subusers=("a*",))),
        (Tier("a", ALL, subusers=("a*",), direction=Direction.ADD), Tier("b", ALL, subusers=("ab",))),
    ],
)
def test_a_tier_that_something_reaches_is_not_said_to_be_unreachable(first: Tier, second: Tier) -> None:
    assert said(Policy(tiers=(first, second))) == []


def told(
    policy: Policy, change: int, usage: Usage | None = None, roster: Roster = ROSTER
) -> tuple[str, bool]:
    """What is explained, and whether it could not come to pass."""
    found = explain(policy, roster, Scenario(ANN, Change("acme", change)), usage, "C0APPROVALS")
    return "\n".join(without_markup(sentence) for sentence in found.sentences), not found.possible


def test_the_tier_and_who_may_approve_are_named() -> None:
    policy = replace(
        GOOD,
        tiers=(GOOD.tiers[0], Tier("large", Who.of([ANN, BEN, "S0FINANCE"]), 2, Who.of(["S0FINANCE"]))),
        break_glass=Who.of([ANN]),
        limits=Limits(per_request=5000, in_all_24h=9000, floor=10),
        reminders=Reminders((timedelta(hours=1),), None, timedelta(hours=4), Who.of(["U0BACKUP"])),
        routes=(Route(("ac*",), "C0ACME"),),
    )
    text, refused = told(policy, -500, Usage(in_all=300))
    assert not refused
    for sentence in (
        "Tier small does not cover it: it is for changes of up to 100 credits.",
        "Tier large covers it",
        "It needs 2 approvals from U0BEN, S0FINANCE, at least one of them from S0FINANCE.",
        "In S0FINANCE: U0CAT.",
        "U0ANN may approve it alone",
        "One request may change 5,000 credits at most.",
        "At most 9,000 credits within 24 hours in all (300 used).",
        "At least 10 credits must be left",
        "Its card goes to C0ACME.",
        "U0BACKUP may decide, too, and count for the second list.",
        "it expires after 24 hours.",
    ):
        assert sentence in text


def test_a_refusal_is_the_sentence_that_slack_would_show() -> None:
    text, refused = told(replace(GOOD, limits=Limits(per_request=100)), 101)
    assert refused
    assert "Refused. One request may change 100 credits at most, and this one would change 101." in text
    assert told(Policy(tiers=(Tier("small", ALL, up_to=5),)), 6)[1]
    text, refused = told(replace(GOOD, may_ask=Who.of([BEN])), 5)
    assert refused
    assert text == "Refused. U0ANN may not ask for credits. Who may ask: U0BEN. Rule: may_ask."


UNREAD = Roster({}, frozenset({"S0FINANCE"}))


def test_what_hangs_on_an_unread_group_is_unknown_and_the_rest_is_explained() -> None:
    policy = replace(GOOD, may_ask=Who.of(["S0FINANCE"]), limits=Limits(per_request=5000, in_all_24h=9000))
    text, refused = told(policy, 500, roster=UNREAD)
    assert not refused
    for sentence in (
        "It is not known whether U0ANN may ask for +500 credits for acme: that depends on the members of ",
        "Tier large covers it",
        "It needs 2 approvals from U0BEN, U0CAT.",
        "One request may change 5,000 credits at most.",
        "Its card goes to C0APPROVALS.",
    ):
        assert sentence in text


def test_a_broken_limit_refuses_whatever_an_unread_group_says() -> None:
    policy = replace(GOOD, may_ask=Who.of(["S0FINANCE"]), limits=Limits(per_request=5000, in_all_24h=600))
    text, refused = told(policy, 5001, roster=UNREAD)
    assert refused
    assert "Rule: limits.per_request." in text
    text, refused = told(policy, 601, roster=UNREAD)
    assert refused
    assert "Rule: limits.in_all_24h." in text
    assert "Earlier requests are not known here and were counted as 0." in text


@pytest.mark.parametrize(
    ("tier", "sentence"),
    [
        (Tier("t", ALL, 3), "Too few people can approve it: 2 besides the requester."),
        (Tier("", Who()), "Nobody can approve it: CREDITBOT_APPROVERS is empty."),
        (Tier("t", Who.of([ANN])), "U0ANN is the only one listed, and nobody approves their own request."),
        (Tier("t", Who.of(["S0EMPTY"])), "Nobody can approve it: nobody is in S0EMPTY."),
        (
            Tier("t", ALL, 2, Who.of([ANN])),
            "someone listed under including must be among those who do, and U0ANN is the only one listed,",
        ),
    ],
)
def test_too_few_approvers_are_told_of_and_why(tier: Tier, sentence: str) -> None:
    text, hopeless = told(Policy(tiers=(tier,)), 5)
    assert hopeless
    assert sentence in text
    assert " from ." not in text
    _, hopeless = told(Policy(tiers=(tier,), break_glass=Who.of([ANN])), 5)
    assert not hopeless


def test_where_others_may_step_in_before_it_expires_it_can_be_approved() -> None:
    others = Reminders((), None, timedelta(hours=4), Who.of(["U0BACKUP"]))
    alone = Policy(tiers=(Tier("t", Who.of([ANN])),), reminders=others)
    text, hopeless = told(alone, 5)
    assert not hopeless
    assert "So it waits until it is escalated." in text
    assert told(replace(alone, expiry=timedelta(hours=3)), 5)[1]


def test_too_few_approvers_are_not_told_of_where_that_is_not_known() -> None:
    text, hopeless = told(Policy(tiers=(Tier("t", Who.of(["S0FINANCE"]), 2),)), 5, roster=UNREAD)
    assert not hopeless
    assert "could approve it" not in text
