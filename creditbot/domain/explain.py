"""What would happen to a change, and by which rule: for whoever writes the policy."""

from collections.abc import Iterator
from dataclasses import dataclass

from . import rules
from .errors import Refusal
from .policy import Policy, Tier, Usage
from .text import count, length, literal, number, people, person, signed
from .who import Roster, Who


@dataclass(frozen=True, slots=True)
class Change:
    """Who would ask for what."""

    actor: str
    subuser: str
    allocation_update: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Sentences in the order in which the rules are asked; `refused` if it would not be taken."""

    sentences: tuple[str, ...]
    refused: bool


def explain(policy: Policy, roster: Roster, change: Change, usage: Usage | None, channel: str) -> Explanation:
    """Go through the rules; `usage` is None where nobody could count what was asked for lately."""
    try:
        rules.check_may_ask(change.actor, policy, roster)
        passed = [*_passed_over(policy, change)]
        tier = rules.check_change_allowed(
            change.subuser,
            change.allocation_update,
            policy,
            usage or Usage(),
            whose=f"{person(change.actor)} has",
        )
    except Refusal as refusal:
        return Explanation((*_passed_over(policy, change), f"Refused. {refusal.sentence}"), refused=True)
    asks = f"{signed(change.allocation_update)} credits for {literal(change.subuser)}"
    told = [
        f"{person(change.actor)} may ask for {asks}.",
        *passed,
        *_approval(policy, tier, roster, change),
        *_limits(policy, usage, change),
        *_waiting(policy, tier, change, channel),
    ]
    return Explanation(tuple(told), refused=False)


def _passed_over(policy: Policy, change: Change) -> Iterator[str]:
    tier = policy.tier(change.subuser, change.allocation_update)
    for earlier in policy.tiers:
        if earlier is tier:
            return
        yield f"Tier {literal(earlier.name)} does not cover it: it is for {earlier.words()}."


def _approval(policy: Policy, tier: Tier, roster: Roster, change: Change) -> Iterator[str]:
    if tier.name:
        yield f"Tier {literal(tier.name)} covers it: it is for {tier.words()}."
    second = f", at least one of them from {people(tier.including.listed())}" if tier.including else ""
    yield (
        f"It needs {count(tier.approvals, 'approval')} from "
        f"{people(tier.authority.listed(without={change.actor}))}{second}."
    )
    yield from _members(tier.authority, roster)
    if roster.unread(tier.authority):
        return
    able = roster.everyone(tier.authority) - {change.actor}
    if len(able) < tier.approvals or (tier.including and not roster.everyone(tier.including) & able):
        others = number(len(able))
        yield f"Too few people could approve it: {others} besides the requester."
    if change.actor in policy.break_glass.people:
        yield f"In an emergency {person(change.actor)} may approve it alone, with a reason (break_glass)."


def _members(who: Who, roster: Roster) -> Iterator[str]:
    for group in sorted(who.groups):
        members = roster.members.get(group)
        if members is None or group in roster.unreadable:
            yield f"Who is in {person(group)} is not known here."
        else:
            yield f"In {person(group)}: {people(sorted(members)) or 'nobody'}."


def _limits(policy: Policy, usage: Usage | None, change: Change) -> Iterator[str]:
    limits = policy.limits
    if limits.per_request is not None:
        yield f"One request may change {number(limits.per_request)} credits at most."
    used = usage or Usage()
    caps = [
        ("by this requester", limits.per_requester_24h, used.by_requester),
        (f"for {literal(change.subuser)}", limits.per_subuser_24h, used.of_subuser),
        ("in all", limits.in_all_24h, used.in_all),
    ]
    for whose, cap, so_far in caps:
        if cap is not None:
            counted = "what was asked so far is not known here" if usage is None else f"{number(so_far)} used"
            yield f"Within 24 hours {number(cap)} credits {whose} ({counted})."
    floor = policy.floor_of(change.subuser, change.allocation_update)
    if change.allocation_update < 0 and floor:
        yield f"At least {number(floor)} credits must be left; that is checked with SendGrid."


def _waiting(policy: Policy, tier: Tier, change: Change, channel: str) -> Iterator[str]:
    yield f"Its card goes to <#{policy.channel_of(change.subuser, channel)}>."
    reminders = policy.reminders
    if reminders.after:
        after = ", ".join(length(moment) for moment in reminders.after)
        yield f"Those who have not decided are reminded after {after}."
    if reminders.escalate_after is not None:
        others = people(reminders.escalate_to.listed())
        second = ", and stand in for the second list" if tier.including else ""
        yield f"After {length(reminders.escalate_after)} {others} may decide, too{second}."
    yield f"If nobody decides, it expires after {length(policy.expiry_of(tier))}."
