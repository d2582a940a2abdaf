"""Whether a policy can work: rules that are never reached, and quorums that nobody could make up."""

from collections.abc import Iterator
from dataclasses import dataclass

from .policy import Direction, Policy, Tier
from .text import count, literal, people, person
from .who import Roster


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a policy; a `fault` is what makes a part of it useless or unusable."""

    sentence: str
    fault: bool


def findings(policy: Policy, roster: Roster) -> Iterator[Finding]:
    """What is wrong or strange; members of groups as the roster knows them."""
    if policy.nobody_approves:
        yield Finding("Nobody may approve anything: list approvers.", fault=True)
        return
    if policy.may_ask.nobody:
        yield Finding("Nobody may ask for anything: who.may_ask is empty.", fault=True)
    for place, tier in enumerate(policy.tiers):
        yield from _never_reached(tier, policy.tiers[:place])
        yield from _quorum(policy, tier, roster)
    yield from _emergencies(policy, roster)
    yield from _escalation(policy, roster)


def _never_reached(tier: Tier, earlier: tuple[Tier, ...]) -> Iterator[Finding]:
    for other in earlier:
        if _covers_all_of(other, tier):
            yield Finding(
                f"Tier {literal(tier.name)} is never reached: {literal(other.name)} before it covers all "
                "that it is for. Put it first, or narrow the other.",
                fault=True,
            )
            return


def _covers_all_of(wide: Tier, narrow: Tier) -> bool:
    """Whether one certainly covers all of the other, by patterns that are the same, or `*`."""
    names = "*" in wide.subusers or set(narrow.subusers) <= set(wide.subusers)
    ways = wide.direction in {Direction.BOTH, narrow.direction}
    most = wide.up_to is None or (narrow.up_to is not None and narrow.up_to <= wide.up_to)
    return names and ways and most and wide.above <= narrow.above


def _quorum(policy: Policy, tier: Tier, roster: Roster) -> Iterator[Finding]:
    """For every requester who is an approver, too: could the others make up the quorum?"""
    name = f"Tier {literal(tier.name)}" if tier.name else "CREDITBOT_APPROVERS"
    unread = roster.unread(tier.authority)
    if unread:
        yield Finding(f"{name}: who is in {people(sorted(unread))} could not be read.", fault=False)
        return
    everyone = roster.everyone(tier.authority)
    if (short := _short(tier, everyone, roster)) is not None:
        yield Finding(f"{name} can never be approved: {short}", fault=True)
        return
    stuck = [
        requester
        for requester in sorted(everyone)
        if roster.has(policy.may_ask, requester) and _short(tier, everyone - {requester}, roster) is not None
    ]
    if stuck:
        yield Finding(
            f"{name} can't be approved if {people(stuck[:5])} asked, since nobody approves their own: "
            f"{_short(tier, everyone - {stuck[0]}, roster)}",
            fault=True,
        )


def _short(tier: Tier, able: frozenset[str], roster: Roster) -> str | None:
    if len(able) < tier.approvals:
        there = "there is nobody" if not able else f"there {_is(able)} {count(len(able), 'approver')}"
        return f"it needs {count(tier.approvals, 'approval')}, and {there}."
    if tier.including is not None and not roster.everyone(tier.including) & able:
        return f"it needs one of {people(tier.including.listed())}, and nobody is left there."
    return None


def _is(people_: frozenset[str]) -> str:
    return "is" if len(people_) == 1 else "are"


def _emergencies(policy: Policy, roster: Roster) -> Iterator[Finding]:
    for who in sorted(policy.break_glass.people):
        if not roster.has(policy.may_ask, who) and not roster.unread(policy.may_ask):
            yield Finding(
                f"{person(who)} is named under break_glass and may not ask, so can never use it.", fault=True
            )


def _escalation(policy: Policy, roster: Roster) -> Iterator[Finding]:
    to = policy.reminders.escalate_to
    if to.nobody or roster.unread(to):
        return
    if not roster.everyone(to):
        yield Finding("Nobody is in escalate_to, so an escalation reaches nobody.", fault=True)
    elif all(
        roster.everyone(to) <= roster.everyone(tier.including or tier.approvers) for tier in policy.tiers
    ):
        yield Finding("Everyone in escalate_to may approve anyway, so it adds nobody.", fault=False)
