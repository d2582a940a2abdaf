"""Which changes are allowed: by the policy, and by what SendGrid says of the subuser.

Each check raises Refusal with a finished sentence, which names the rule where a policy has given it a name.
"""

from collections.abc import Sequence

from .changes import Change
from .credits import RECURRING, UNLIMITED, SubuserCredits
from .errors import Refusal
from .markup import literal
from .policy import Limits, Policy, Tier, Usage
from .text import count, credits_, number, signed


def tiers_of(changes: Sequence[Change], policy: Policy) -> tuple[Tier, ...]:
    """The tiers that all these changes together fall under.

    Raises:
        Refusal: the policy does not provide for one of them, or for what they add up to: nobody could approve
            that.
    """
    tiers = policy.tiers_of(changes)
    if tiers:
        return tiers
    subuser, amount = policy.uncovered(changes) or (changes[0].subuser, changes[0].allocation_update)
    which = f"No tier of the policy covers {credits_(amount)} for {literal(subuser)}"
    if any((change.subuser, change.allocation_update) == (subuser, amount) for change in changes):
        then = "so nobody can approve it. Ask for another amount"
    else:
        then = (
            f"and {count(len(changes), 'change')} that are decided together count as that, so nobody can "
            "approve them. Ask for less at once"
        )
    raise Refusal("no_tier", f"{which}, {then}, or ask whoever runs creditbot to add a tier.")


def check_change_allowed(
    changes: Sequence[Change], policy: Policy, usage: Usage, *, whose: str = "You have"
) -> tuple[Tier, ...]:
    """Return the tiers that the changes, which one decision is about, fall under.

    Each is judged by itself, and all by what they add up to: to ask for many at once is no way around a tier,
    a limit or a cap. `usage` is what counts besides them. `whose` begins the sentence about the requester's
    own cap.

    Raises:
        Refusal: one of them, or a sum, falls under no tier, or a limit or a rolling cap says no.
    """
    tiers = tiers_of(changes, policy)
    _check_per_request(changes, policy.limits.per_request)
    _check_caps(changes, policy.limits, usage, whose)
    return tiers


def _check_per_request(changes: Sequence[Change], limit: int | None) -> None:
    total = sum(change.amount for change in changes)
    if limit is None or total <= limit:
        return
    this = "this one would change" if len(changes) == 1 else f"these {number(len(changes))} would change"
    raise Refusal(
        "per_request",
        f"One request may change {count(limit, 'credit')} at most, and {this} {number(total)}. Ask for less. "
        "Rule: limits.per_request.",
    )


def _check_caps(changes: Sequence[Change], limits: Limits, usage: Usage, whose: str) -> None:
    by_subuser: dict[str, list[Change]] = {}
    for change in changes:
        by_subuser.setdefault(change.key, []).append(change)
    cap = limits.per_requester_24h
    _check_cap("per_requester_24h", cap, usage.by_requester, changes, f"{whose} asked for")
    cap = limits.per_subuser_24h
    for key, its in by_subuser.items():
        begins = f"Requests for {literal(its[0].subuser)} add up to"
        _check_cap("per_subuser_24h", cap, usage.of_subuser.get(key, 0), its, begins)
    _check_cap("in_all_24h", limits.in_all_24h, usage.in_all, changes, "All requests together add up to")


def _check_cap(name: str, cap: int | None, used: int, changes: Sequence[Change], begins: str) -> None:
    """`begins` is the sentence's beginning, about what is `used` of the cap."""
    total = sum(change.amount for change in changes)
    if cap is None or used + total <= cap:
        return
    left = max(0, cap - used)
    asked = signed(changes[0].allocation_update)
    if len(changes) > 1:
        asked = f"{number(total)} in {count(len(changes), 'change')}"
    then = (
        f"Ask for {number(left)} or fewer, or wait."
        if left
        else "Wait, or ask whoever runs creditbot to raise the limit."
    )
    raise Refusal(
        name,
        f"{begins} {number(used)} of the {number(cap)} credits allowed within 24 hours, counting open "
        f"requests, so {asked} is too much. {then} Rule: limits.{name}.",
    )


def check_change(change: Change, found: SubuserCredits, floor: int = 0, *, figures: bool = True) -> None:
    """Raise Refusal if the subuser's credits say that the change makes no sense, or leaves too little.

    Without `figures` the sentence does not say what the balance is.
    """
    subuser, allocation_update = change.subuser, change.allocation_update
    if found.type == UNLIMITED:
        raise Refusal(
            "unlimited",
            f"Subuser {literal(subuser)} has unlimited credits, so a change would have no effect. Nothing "
            "was sent. If it should have a limit, set one in SendGrid first.",
        )
    if allocation_update >= 0:
        return
    if found.remain is None:
        raise Refusal(
            "unknown_balance",
            f"SendGrid does not report how many credits subuser {literal(subuser)} has left, so it is not "
            f"known whether {signed(allocation_update)} would leave at least {number(floor)}. Nothing was "
            "sent. Look at the subuser in SendGrid. Rule: floor.",
        )
    left = count(found.remain, "credit") if figures else "too few credits"
    if found.remain + allocation_update < 0:
        raise Refusal(
            "below_zero",
            f"Subuser {literal(subuser)} has {left} left, so "
            f"{signed(allocation_update)} would take it below zero. Nothing was sent. "
            f"{_ask_for(found.remain, figures=figures)}",
        )
    if found.remain + allocation_update < floor:
        raise Refusal(
            "below_floor",
            f"Subuser {literal(subuser)} has {left} left, and the policy requires that at least "
            f"{number(floor)} remain, so {signed(allocation_update)} is too much. Nothing was sent. "
            f"{_ask_for(found.remain - floor, figures=figures)} Rule: floor.",
        )


def _ask_for(left: int, *, figures: bool) -> str:
    if not figures:
        return "Ask for fewer, or ask someone who may see balances."
    return f"Ask for {number(left)} or fewer." if left > 0 else "There is nothing to remove."


def lasts_until_reset(credits_type: str | None) -> bool:
    """True if SendGrid sets the credits anew at the next reset, whatever was added before."""
    return credits_type == RECURRING
