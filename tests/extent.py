"""How far the tests go: all of them in their short form, or in their long one with `pytest --long`.

Nothing else decides it. What is sampled in the short form depends on a seed, which pytest prints and which
`--sample-seed` sets.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")
Case = TypeVar("Case", bound=Sequence[Any])

SEED = 20261127

_chosen: dict[str, Any] = {"long": False, "seed": SEED, "payloads": None}


def choose(*, long: bool, seed: int = SEED, payloads: int | None = None) -> None:
    """Said once by pytest, before any test module is imported."""
    _chosen.update(long=long, seed=seed, payloads=payloads)


def long_form() -> bool:
    return bool(_chosen["long"])


def short_or_long(short: T, long: T) -> T:
    """Of two sizes the one that fits."""
    return long if long_form() else short


def payloads(short: int, long: int) -> int:
    """How many broken payloads are sent: of two numbers the one that fits, or what `--payloads` says."""
    return int(_chosen["payloads"] or short_or_long(short, long))


def pairwise(cases: Iterable[Case]) -> list[Case]:
    """All cases in the long form; in the short one, enough to have each two values together that occur so.

    A case has a value for each column. A fault that takes three values at once can be missed.
    """
    all_cases = list(cases)
    if long_form():
        return all_cases
    order = list(all_cases)
    Random(_chosen["seed"]).shuffle(order)
    met: set[tuple[Any, ...]] = set()
    kept = []
    for case in order:
        pairs = set(combinations(enumerate(case), 2)) - met
        if pairs:
            met |= pairs
            kept.append(case)
    return sorted(kept, key=all_cases.index)


def sample(cases: Iterable[T], size: int) -> list[T]:
    """All cases in the long form; in the short one so many of them, as they fall."""
    all_cases = list(cases)
    if long_form() or size >= len(all_cases):
        return all_cases
    kept = sorted(Random(_chosen["seed"]).sample(range(len(all_cases)), size))
    return [all_cases[number] for number in kept]
