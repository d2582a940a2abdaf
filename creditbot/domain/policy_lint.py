"""What is wrong with a policy: rules that are never reached, and quorums that nobody could make up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from .amounts import MAX_AMOUNT
from .markup import literal, people, person
from .policy import Limits, Policy, Route, Tier
from .reach import all_covered, covered_by, kinds_of_change
from .text import count, length, number
from .who import Roster


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Something about a policy; a `fault` is what makes a part of it useless or unusable."""

    sentence: str
    fault: bool


def lint(policy: Policy, roster: Roster) -> Iterator[Diagnostic]:
    """What is wrong or strange; members of groups as the roster knows them."""
    if policy.nobody_approves:
        yield Diagnostic("Nobody can approve anything: list approvers.", fault=True)
        return
    if policy.may_ask.nobody:
        yield Diagnostic("Nobody can ask for anything: who.may_ask is empty.", fault=True)
    for place, tier in enumerate(policy.tiers):
        yield from _never_reached(policy, place)
        yield from _quorum(policy, tier, roster)
    yield from _never_binding(policy.limits)
    yield from _channels(policy.routes)
    yield from _emergencies(policy, roster)
    yield from _escalation(policy, roster)
    yield from _too_late(policy)


def _never_reached(policy: Policy, place: int) -> Iterator[Diagnostic]:
    tier, earlier = policy.tiers[place], policy.tiers[:place]
    name = f"Tier {literal(tier.name)}"
    if before := covered_by(tier, earlier, kinds_of_change(tier, earlier)):
        yield Diagnostic(f"{name} is never reached: {_takes_all(before)}", fault=True)
        return
    most, limit = _most(policy.limits)
    changes = kinds_of_change(tier, earlier, most)
    if not changes:
        sentence = f"{name} is never reached: it is for {tier.words()}, and {limit} is {number(most)}."
        yield Diagnostic(sentence, fault=most == MAX_AMOUNT)
    elif covered_by(tier, earlier, changes):
        yield Diagnostic(
            f"{name} is never reached while {limit} is {number(most)}: the tiers before it cover all up to "
            "that.",
            fault=False,
        )


def _takes_all(before: Sequence[Tier]) -> str:
    names = [literal(tier.name) for tier in before]
    if len(names) == 1:
        return f"{names[0]} before it covers everything that it is for. Put it first, or narrow the other."
    return (
        f"{', '.join(names[:-1])} and {names[-1]} before it together cover everything that it is for. Put "
        "it before them, or narrow them."
    )


def _most(limits: Limits) -> tuple[int, str]:
    """The most credits that any request may change, and which limit says so."""
    caps = {
        "limits.per_request": limits.per_request,
        "limits.per_requester_24h": limits.per_requester_24h,
        "limits.per_subuser_24h": limits.per_subuser_24h,
        "limits.in_all_24h": limits.in_all_24h,
        "the most that a request may change": MAX_AMOUNT,
    }
    return min((cap, name) for name, cap in caps.items() if cap is not None)


def _never_binding(limits: Limits) -> Iterator[Diagnostic]:
    """Limits that another one forestalls: each change counts towards all of them."""
    in_all = (limits.in_all_24h, "in_all_24h")
    of_one = [(limits.per_requester_24h, "per_requester_24h"), (limits.per_subuser_24h, "per_subuser_24h")]
    for (limit, name), others in (
        ((limits.per_request, "per_request"), [*of_one, in_all]),
        *((cap, [in_all]) for cap in of_one),
    ):
        lower = [
            (cap, other) for cap, other in others if cap is not None and limit is not None and cap < limit
        ]
        if limit is not None and lower:
            cap, other = min(lower)
            yield Diagnostic(
                f"limits.{name} ({number(limit)}) is never reached: limits.{other} is {number(cap)}.",
                fault=False,
            )


def _channels(routes: Sequence[Route]) -> Iterator[Diagnostic]:
    for place, route in enumerate(routes):
        before = [pattern for other in routes[:place] for pattern in other.subusers]
        if all_covered(route.subusers, before):
            patterns = ", ".join(map(literal, route.subusers))
            yield Diagnostic(
                f"Entry {place + 1} of channels ({patterns}) is never reached: those before it cover all its "
                "subusers. Put it before them, or narrow them.",
                fault=True,
            )


def _quorum(policy: Policy, tier: Tier, roster: Roster) -> Iterator[Diagnostic]:
    """For every requester who is an approver, too: could the others make up the quorum?"""
    name = f"Tier {literal(tier.name)}" if tier.name else "CREDITBOT_APPROVERS"
    unread = roster.unread(tier.authority)
    if unread:
        yield Diagnostic(
            f"{name}: the members of {people(sorted(unread))} are not known, so it is not known whether it "
            "can be approved.",
            fault=False,
        )
        return
    everyone = roster.everyone(tier.authority)
    if (short := _short(tier, everyone, roster)) is not None:
        yield Diagnostic(f"{name} can never be approved: {short}", fault=True)
        return
    stuck = [
        requester
        for requester in sorted(everyone)
        if roster.has(policy.may_ask, requester) and _short(tier, everyone - {requester}, roster) is not None
    ]
    if stuck:
        yield Diagnostic(
            f"{name} can't be approved if it is requested by {people(stuck[:5])}, because nobody approves "
            f"their own requests: {_short(tier, everyone - {stuck[0]}, roster)}",
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


def _emergencies(policy: Policy, roster: Roster) -> Iterator[Diagnostic]:
    for who in sorted(policy.break_glass.people):
        if not roster.has(policy.may_ask, who) and not roster.unread(policy.may_ask):
            yield Diagnostic(
                f"{person(who)} is named under break_glass but may not ask for changes, so it never helps.",
                fault=True,
            )


def _escalation(policy: Policy, roster: Roster) -> Iterator[Diagnostic]:
    to = policy.reminders.escalate_to
    if to.nobody or roster.unread(to):
        return
    if not roster.everyone(to):
        yield Diagnostic("Nobody is in escalate_to, so an escalation reaches nobody.", fault=True)
    elif all(
        roster.everyone(to) <= roster.everyone(tier.including or tier.approvers) for tier in policy.tiers
    ):
        yield Diagnostic("Everyone in escalate_to may approve anyway, so it adds nobody.", fault=False)


def _too_late(policy: Policy) -> Iterator[Diagnostic]:
    """Reminders and escalations that come when the requests have expired."""
    for after in policy.reminders.after:
        yield from _after_expiry(policy, after, f"The reminder after {length(after)} is never sent")
    if (after_ := policy.reminders.escalate_after) is not None:
        yield from _after_expiry(policy, after_, f"The escalation after {length(after_)} never happens")


def _after_expiry(policy: Policy, after: timedelta, says: str) -> Iterator[Diagnostic]:
    late = [tier for tier in policy.tiers if policy.expiry_of(tier) <= after]
    if len(late) == len(policy.tiers):
        yield Diagnostic(
            f"{says}: every request has expired by then. Set it earlier, or expiry later.", fault=True
        )
    elif late:
        tiers = ", ".join(literal(tier.name) for tier in late)
        yield Diagnostic(f"{says} for requests of tier {tiers}: they have expired by then.", fault=False)
