"""How far the tests go: all of them in their short form, or in their long one with `pytest --long`.

Nothing else decides it. What is sampled in the short form depends on a seed, which pytest prints and which
`--sample-seed` sets.
"""

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush
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
    pairs = [set(combinations(enumerate(case), 2)) for case in all_cases]
    order = list(range(len(all_cases)))
    Random(_chosen["seed"]).shuffle(order)
    # Whichever has the most pairs that none before it has. What a case has new only ever becomes less, so one
    # that still has as many as the next is said to have had is the best there is.
    waiting = [(-len(pairs[number]), place, number) for place, number in enumerate(order)]
    heapify(waiting)
    met: set[tuple[Any, ...]] = set()
    kept = []
    while waiting:
        _, place, number = heappop(waiting)
        new = pairs[number] - met
        if waiting and -len(new) > waiting[0][0]:
            heappush(waiting, (-len(new), place, number))
        elif new:
            met |= new
            kept.append(number)
    return [all_cases[number] for number in sorted(kept)]


def sample(cases: Iterable[T], size: int) -> list[T]:
    """All cases in the long form; in the short one so many of them, as they fall."""
    all_cases = list(cases)
    if long_form() or size >= len(all_cases):
        return all_cases
    kept = sorted(Random(_chosen["seed"]).sample(range(len(all_cases)), size))
    return [all_cases[number] for number in kept]
