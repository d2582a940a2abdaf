"""CSV in which nothing that people typed can start a formula."""

import csv
import re
from collections.abc import Callable, Iterable
from typing import TextIO

RUNS = re.compile(r"(^|[;\t\n\r])(?=[\"']*[=+\-@\t\r])")
"""Where a spreadsheet would see a formula begin. Some split lines at semicolons or tabs."""


def writer(out: TextIO) -> Callable[[Iterable[object]], None]:
    """A function that writes one row."""
    # All texts are quoted: otherwise a lone return would not be.
    rows = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)

    def write(values: Iterable[object]) -> None:
        rows.writerow([_cell(value) for value in values])

    return write


def _cell(value: object) -> object:
    """An apostrophe makes a formula a text. Whoever takes away one in each such place has the value again."""
    return RUNS.sub(r"\1'", value) if isinstance(value, str) else value
