"""Slack's blocks for figures: a table that pages and sorts by itself, and a chart of lines.

Both are new, and a workspace may still refuse them, so whatever shows one says the same in text as well.
docs.slack.dev/reference/block-kit/blocks/data-table-block, .../data-visualization-block
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from . import bounds
from .bounds import Json, cut_plain, length
from .message import Block
from .tables import Cell, Column, Kind, Table

PAGE = 10
"""Rows of a table that are seen at once; Slack's own default is 5, and it takes 1 to 100."""

NARROWEST = 8
"""Characters to which a cell is cut at most, before rows are left out."""


@dataclass(frozen=True, slots=True)
class Line:
    """A series of a chart: a value for each of its categories. Slack knows no gaps."""

    name: str
    values: Sequence[float]


def data_table(table: Table, *, page_size: int = PAGE) -> Block:
    """A table of 100 rows and 20 columns at most.

    Slack sorts a column by number only if each cell of it is one, so what is no number carries one that comes
    after all others. It takes 10,000 characters in all cells: texts are cut for that, and then rows left out,
    both visibly.

    Raises:
        ValueError: it has no rows, too many columns or none, or rows of another length.
    """
    columns, rows = table.columns, list(table.rows)
    if not 0 < len(columns) <= bounds.TABLE_COLUMNS or {len(row) for row in rows} != {len(columns)}:
        raise ValueError("a table has 1 to 20 columns, a row at least, and a cell in each for each column")
    left_out = [Cell(bounds.MORE)] * len(columns)
    if len(rows) > bounds.TABLE_ROWS:
        rows[bounds.TABLE_ROWS - 1 :] = [left_out]
    missing = [_after_all(column, [row[place] for row in rows]) for place, column in enumerate(columns)]
    headings = [_text(column.heading, bounds.CHART_TITLE) for column in columns]
    for most in (bounds.TABLE_CHARACTERS, 128, 64, 32, 16, NARROWEST):
        drawn = [headings, *(_row(row, columns, missing, most) for row in rows)]
        if _characters(drawn) <= bounds.TABLE_CHARACTERS:
            break
    while _characters(drawn) > bounds.TABLE_CHARACTERS:
        drawn[-2:] = [_row(left_out, columns, missing, 1)]
    return {
        "type": "data_table",
        "caption": cut_plain(table.caption, bounds.HEADER),
        "page_size": min(max(page_size, 1), bounds.TABLE_ROWS),
        "rows": drawn,
    }


def line_chart(
    title: str, categories: Sequence[str], lines: Sequence[Line], *, y_label: str | None = None
) -> Block:
    """A chart of 1 to 6 lines and 1 to 20 categories.

    Names are cut to 20 characters; what would be the same then is told apart by a number, for Slack takes
    each name and each category only once.

    Raises:
        ValueError: these are too many or none, or a line has not one finite value for each category.
    """
    if not 0 < len(lines) <= bounds.SERIES or not 0 < len(categories) <= bounds.CATEGORIES:
        raise ValueError("a chart has 1 to 6 lines and 1 to 20 categories")
    for line in lines:
        if len(line.values) != len(categories) or not all(map(math.isfinite, line.values)):
            raise ValueError("a line has one number for each category")
    labels, names = _told_apart(categories), _told_apart([line.name for line in lines])
    axes: Json = {"categories": labels}
    if y_label:
        axes["y_label"] = cut_plain(y_label, bounds.AXIS)
    return {
        "type": "data_visualization",
        "title": cut_plain(title, bounds.CHART_TITLE),
        "chart": {
            "type": "line",
            "series": [
                {
                    "name": name,
                    "data": [
                        {"label": label, "value": value}
                        for label, value in zip(labels, line.values, strict=True)
                    ],
                }
                for name, line in zip(names, lines, strict=True)
            ],
            "axis_config": axes,
        },
    }


def _row(cells: Sequence[Cell], columns: Sequence[Column], missing: Sequence[float], most: int) -> list[Json]:
    return [
        _text(cell.text, most)
        if column.kind is Kind.TEXT
        else _text(cell.text, most)
        | {"type": "raw_number", "value": last if cell.value is None else cell.value}
        for cell, column, last in zip(cells, columns, missing, strict=True)
    ]


def _text(text: str, most: int) -> Json:
    return {"type": "raw_text", "text": cut_plain(text, most)}


def _after_all(column: Column, cells: Sequence[Cell]) -> float:
    values = [cell.value for cell in cells if cell.value is not None]
    return max(values, default=0) + 1 if column.kind is Kind.NUMBER else 0


def _characters(rows: Sequence[Sequence[Json]]) -> int:
    return sum(length(cell["text"]) for row in rows for cell in row)


def _told_apart(names: Sequence[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        label, copies = cut_plain(name, bounds.CHART_LABEL), 1
        while label in found:
            copies += 1
            end = f" ({copies})"
            label = cut_plain(name, bounds.CHART_LABEL - len(end)) + end
        found.append(label)
    return found
