"""Whether the rules before a rule leave anything to it.

What is said to be covered is covered for certain. What only several patterns together cover, as `a` and `a?*`
do `a*`, may be missed.
"""

import re
from collections.abc import Sequence

from .amounts import MAX_AMOUNT
from .policy import Tier


def covers(wide: str, narrow: str) -> bool:
    """Whether each name that fits the pattern `narrow` fits `wide`: `a*` covers `a-b*`, `a?` and `a`.

    The marks of `narrow` are read as letters here: only a `*` takes a `*`, and a `?` takes a `?` or a letter.
    """
    marks = {"*": ".*", "?": "[^*]"}
    parts = (marks.get(mark) or re.escape(mark) for mark in _in_order(wide))
    return re.fullmatch("".join(parts), _in_order(narrow), re.DOTALL) is not None


def _in_order(pattern: str) -> str:
    """The same pattern, in which `*` comes once, and last, among the marks beside it: `*?*` is `?*`."""
    return re.sub(
        r"[*?]*\*[*?]*", lambda found: "?" * found[0].count("?") + "*", pattern.casefold(), flags=re.DOTALL
    )


def all_covered(patterns: Sequence[str], earlier: Sequence[str]) -> bool:
    """Whether each of these patterns is covered by one of the earlier ones."""
    return all(any(covers(wide, narrow) for wide in earlier) for narrow in patterns)


def kinds_of_change(tier: Tier, earlier: Sequence[Tier], most: int = MAX_AMOUNT) -> list[int]:
    """Changes of which the tier is for each, one of every kind: no tier tells two of a kind apart.

    The bounds of all tiers cut the amounts into ranges, which either way are one kind each.
    """
    bounds = {bound for each in (*earlier, tier) for bound in (each.above, each.up_to) if bound is not None}
    amounts = [bound + 1 for bound in sorted(bounds) if bound < most]
    return [change for amount in amounts for change in (amount, -amount) if tier.is_for(change)]


def covered_by(tier: Tier, earlier: Sequence[Tier], changes: Sequence[int]) -> list[Tier]:
    """The earlier tiers that together take all these changes from the tier; none if one may be left to it."""
    taking: list[Tier] = []
    for change in changes:
        able = [other for other in earlier if other.is_for(change)]
        for pattern in tier.subusers:
            first = next(
                (other for other in able if any(covers(wide, pattern) for wide in other.subusers)), None
            )
            if first is None:
                return []
            taking.append(first)
    return [other for other in earlier if other in taking]
