"""What the short form of the tests leaves out of a table."""

from itertools import combinations, product

import pytest

from tests import extent
from tests.extent import pairwise, sample

TABLE = list(product("abcdefgh", range(7), ("x", "y", "z"), (True, False)))


@pytest.fixture(params=range(5))
def short(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The short form, whichever is run, with one of several seeds."""
    monkeypatch.setattr(extent, "_chosen", {"long": False, "seed": request.param, "payloads": None})


@pytest.mark.usefixtures("short")
def test_any_two_values_that_come_together_are_tried_together() -> None:
    kept = pairwise(TABLE)
    wanted = {pair for case in TABLE for pair in combinations(enumerate(case), 2)}
    assert {pair for case in kept for pair in combinations(enumerate(case), 2)} == wanted
    assert len(kept) < len(TABLE) / 2


@pytest.mark.usefixtures("short")
def test_the_same_seed_takes_the_same() -> None:
    assert pairwise(TABLE) == pairwise(TABLE)
    assert sample(TABLE, 20) == sample(TABLE, 20)
    assert len(set(sample(TABLE, 20))) == 20


def test_the_long_form_leaves_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extent, "_chosen", {"long": True, "seed": 1, "payloads": None})
    assert pairwise(TABLE) == sample(TABLE, 20) == TABLE
