"""One row in its quick form, between all that the others use: how it goes, and not how fast."""

from .rows import ROWS
from .size import Size


async def test_a_row_runs_and_says_what_it_found() -> None:
    [figure] = await ROWS["same"](Size(quick=True))
    assert "50 answered" in figure.figure
