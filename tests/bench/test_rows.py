"""One row in its quick form, between all that the others use: how it goes, and not how fast."""

from io import StringIO

import pytest
from rich.console import Console

from .__main__ import measured
from .figures import Figure
from .rows import ROWS, SECTIONS, section_of
from .size import Size

QUICK = Size(quick=True)


async def test_a_row_runs_and_says_what_it_found() -> None:
    [figure] = await ROWS["same"](QUICK)
    assert "50 answered" in figure.figure


def test_a_row_that_fails_says_so_in_the_place_of_its_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(_size: Size) -> list[Figure]:
        """The weather."""
        raise OSError("no server\nwhatever follows")

    monkeypatch.setitem(ROWS, "same", fails)
    shown = Console(file=StringIO(), record=True)
    [figure] = measured("same", QUICK, shown)
    assert figure == Figure("same: The weather", "", "OSError: no server", measured=False)
    assert "whatever follows" in shown.export_text()


def test_each_row_stands_under_one_heading_and_says_what_it_measures() -> None:
    assert sum(map(len, SECTIONS.values())) == len(ROWS)
    assert {section_of(name) for name in ROWS} == SECTIONS.keys()
    assert all(row.__doc__ for row in ROWS.values())
