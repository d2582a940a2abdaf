"""What would happen to a change, and by which rule: for whoever writes the policy."""

from collections.abc import Iterator
from dataclasses import dataclass

from . import change_rules
from .changes import Change
from .errors import Refusal
from .markup import channel, literal, people, person
from .policy import Policy, Tier, Usage
from .text import count, length, number
from .who import NOBODY, Roster, Who


@dataclass(frozen=True, slots=True)
class Scenario:
    """Who would ask for what."""

    actor: str
    change: Change


@dataclass(frozen=True, slots=True)
class Explanation:
    """Sentences in the order in which the rules are asked.

    `possible` is false if the change would be refused, or if nobody could ever approve it.
    """

    sentences: tuple[str, ...]
    possible: bool


def explain(
    policy: Policy, roster: Roster, scenario: Scenario, usage: Usage | None, approvals_channel: str
) -> Explanation:
    """Go through the rules; `usage` is None where nobody could count what was asked for lately.

    What hangs on a group that could not be read is said to be unknown, and the other rules are asked all the
    same.
    """
    passed = tuple(_passed_over(policy, scenario))
    if _may_not_ask(policy, roster, scenario):
        return Explanation((*passed, _not_asking(policy, scenario)), possible=False)
    try:
        [tier] = change_rules.check_change_allowed(
            [scenario.change],
            policy,
            usage or Usage(),
            whose=f"{person(scenario.actor)} has",
        )
    except Refusal as refusal:
        return Explanation((*passed, *_refused(refusal, usage)), possible=False)
    told = [
        _asking(policy, roster, scenario),
        *passed,
        *_approval(policy, tier, roster, scenario),
        *_limits(policy, usage, scenario),
        *_waiting(policy, tier, scenario, approvals_channel),
    ]
    return Explanation(tuple(told), possible=_can_be_approved(policy, tier, roster, scenario))


def _may_not_ask(policy: Policy, roster: Roster, scenario: Scenario) -> bool:
    """Whether it is certain that they may not."""
    return not roster.has(policy.may_ask, scenario.actor) and not roster.unread(policy.may_ask)


def _not_asking(policy: Policy, scenario: Scenario) -> str:
    listed = people(policy.may_ask.listed()) or "nobody"
    return f"Refused. {person(scenario.actor)} may not ask for credits. Who may ask: {listed}. Rule: may_ask."


def _asking(policy: Policy, roster: Roster, scenario: Scenario) -> str:
    asks = f"ask for {scenario.change.words()}"
    if roster.has(policy.may_ask, scenario.actor):
        return f"{person(scenario.actor)} may {asks}."
    groups = people(sorted(roster.unread(policy.may_ask)))
    return (
        f"It is not known whether {person(scenario.actor)} may {asks}: that depends on the members of "
        f"{groups}. If so:"
    )


def _refused(refusal: Refusal, usage: Usage | None) -> Iterator[str]:
    yield f"Refused. {refusal.sentence}"
    if usage is None and refusal.rule.endswith("_24h"):
        yield "Earlier requests are not known here and were counted as 0."


def _passed_over(policy: Policy, scenario: Scenario) -> Iterator[str]:
    tiers = policy.tiers_of([scenario.change])
    for earlier in policy.tiers:
        if earlier in tiers:
            return
        yield f"Tier {literal(earlier.name)} does not cover it: it is for {earlier.words()}."


def _approval(policy: Policy, tier: Tier, roster: Roster, scenario: Scenario) -> Iterator[str]:
    if tier.name:
        yield f"Tier {literal(tier.name)} covers it: it is for {tier.words()}."
    second = tier.including
    among = f", at least one of them from {people(second.listed())}" if second else ""
    listed = people(tier.authority.listed(without={scenario.actor})) or "someone else"
    yield f"It needs {count(tier.approvals, 'approval')} from {listed}{among}."
    yield from _members(tier.authority, roster)
    if (lack := _lack(tier, roster, scenario.actor)) is not None:
        yield lack
        if _lack(tier, roster, scenario.actor, _backup(policy, tier)) is None:
            yield "So it waits until it is escalated."
    if scenario.actor in policy.break_glass.people:
        yield f"In an emergency {person(scenario.actor)} may approve it alone, with a reason (break_glass)."


def _can_be_approved(policy: Policy, tier: Tier, roster: Roster, scenario: Scenario) -> bool:
    """False if it is certain that it can't be, not even in an emergency or after it is escalated."""
    alone = scenario.actor in policy.break_glass.people
    return alone or _lack(tier, roster, scenario.actor, _backup(policy, tier)) is None


def _backup(policy: Policy, tier: Tier) -> Who:
    """Those to whom it is escalated before it expires."""
    after = policy.reminders.escalate_after
    in_time = after is not None and after < policy.expiry_of(tier)
    return policy.reminders.escalate_to if in_time else NOBODY


def _lack(tier: Tier, roster: Roster, requester: str, backup: Who = NOBODY) -> str | None:
    """Why the quorum can't be made up, if that is certain; `backup` stands in for every list."""
    authority = tier.authority | backup
    able = roster.everyone(authority) - {requester}
    if len(able) < tier.approvals and not roster.unread(authority):
        if able:
            return f"Too few people can approve it: {number(len(able))} besides the requester."
        return f"Nobody can approve it: {_why_nobody(authority, roster, requester)}."
    second = None if tier.including is None else tier.including | backup
    if second is None or roster.unread(second) or roster.everyone(second) - {requester}:
        return None
    return (
        "Nobody can approve it: someone listed under including must be among those who do, and "
        f"{_why_nobody(second, roster, requester)}."
    )


def _why_nobody(who: Who, roster: Roster, requester: str) -> str:
    if who.nobody:
        return "CREDITBOT_APPROVERS is empty"
    if requester in roster.everyone(who):
        return f"{person(requester)} is the only one listed, and nobody approves their own request"
    return f"nobody is in {people(who.listed())}"


def _members(who: Who, roster: Roster) -> Iterator[str]:
    for group in sorted(who.groups):
        members = roster.members.get(group)
        if members is None or group in roster.unreadable:
            yield f"The members of {person(group)} are not known here."
        else:
            yield f"In {person(group)}: {people(sorted(members)) or 'nobody'}."


def _limits(policy: Policy, usage: Usage | None, scenario: Scenario) -> Iterator[str]:
    limits, change = policy.limits, scenario.change
    if limits.per_request is not None:
        yield f"One request may change {count(limits.per_request, 'credit')} at most."
    used = usage or Usage()
    of_subuser = used.of_subuser.get(change.key, 0)
    caps = [
        ("by this requester", limits.per_requester_24h, used.by_requester),
        (f"for {literal(change.subuser)}", limits.per_subuser_24h, of_subuser),
        ("in all", limits.in_all_24h, used.in_all),
    ]
    for whose, cap, so_far in caps:
        if cap is not None:
            counted = "earlier requests are not known here" if usage is None else f"{number(so_far)} used"
            yield f"At most {count(cap, 'credit')} within 24 hours {whose} ({counted})."
    floor = policy.floor_of(change)
    if change.allocation_update < 0 and floor:
        yield f"At least {count(floor, 'credit')} must be left; that is checked with SendGrid."


def _waiting(policy: Policy, tier: Tier, scenario: Scenario, approvals_channel: str) -> Iterator[str]:
    yield f"Its card goes to {channel(policy.channel_of(scenario.change.subuser, approvals_channel))}."
    reminders = policy.reminders
    if reminders.after:
        after = ", ".join(length(moment) for moment in reminders.after)
        yield f"Approvers who have not decided are reminded after {after}."
    if reminders.escalate_after is not None:
        others = people(reminders.escalate_to.listed())
        second = ", and count for the second list" if tier.including else ""
        yield f"After {length(reminders.escalate_after)} {others} may decide, too{second}."
    yield f"If nobody decides, it expires after {length(policy.expiry_of(tier))}."
