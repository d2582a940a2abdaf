"""What Slack refuses in blocks that show figures: tables and charts."""

import math
from typing import Any

from .limits_rich_text import rich_text
from .limits_text import Faults, fault, items, kind_of, listed, optional_string, string
from .rendering import texts

Block = dict[str, Any]

CELLS = frozenset({"raw_text", "raw_number", "rich_text"})
CHARTS = {"line": "series", "bar": "series", "area": "series", "pie": "segments"}
LONGEST_TABLE = 10_000
"""Characters in all cells of a data table, and in all data tables of a message together."""


def table(value: Block, at: str) -> Faults:
    """docs.slack.dev/reference/block-kit/blocks/table-block"""
    rows = value.get("rows")
    yield from items(rows, f"{at}/rows", most=100)
    for n, row in enumerate(listed(rows)):
        yield from items(row, f"{at}/rows/{n}", most=20)
        for m, cell in enumerate(listed(row)):
            yield from _cell(cell, f"{at}/rows/{n}/{m}", most=3000)
    if value.get("column_settings") is not None:
        yield from items(value["column_settings"], f"{at}/column_settings", most=20)


def _cell(cell: Any, at: str, *, most: int) -> Faults:
    if kind_of(cell) not in CELLS:
        yield fault("unsupported type of cell, must be raw_text, raw_number or rich_text", at)
    elif cell["type"] == "raw_text":
        yield from string(cell.get("text"), f"{at}/text", most=most)
    elif cell["type"] == "rich_text":
        yield from rich_text(cell, at)


def data_table(value: Block, at: str) -> Faults:
    """docs.slack.dev/reference/block-kit/blocks/data-table-block"""
    yield from string(value.get("caption"), f"{at}/caption", most=3000)
    rows = value.get("rows")
    yield from items(rows, f"{at}/rows", most=101, least=2)
    columns = {len(listed(row)) for row in listed(rows)}
    if len(columns) > 1:
        yield fault("all rows must have the same number of cells", f"{at}/rows")
    faults = list(_data_rows(listed(rows), f"{at}/rows"))
    yield from faults
    if not faults and len("".join(cell_texts(value))) > LONGEST_TABLE:
        yield fault(f"must be less than {LONGEST_TABLE + 1} characters in all cells", f"{at}/rows")
    yield from _whole_number(value.get("page_size"), f"{at}/page_size", least=1, most=100)
    last = max(columns, default=1) - 1
    yield from _whole_number(
        value.get("row_header_column_index"), f"{at}/row_header_column_index", least=0, most=last
    )


def _data_rows(rows: list[Any], at: str) -> Faults:
    for n, row in enumerate(rows):
        yield from items(row, f"{at}/{n}", most=20)
        for m, cell in enumerate(listed(row)):
            yield from _data_cell(cell, f"{at}/{n}/{m}", heading=n == 0)


def _data_cell(cell: Any, at: str, *, heading: bool) -> Faults:
    if heading and kind_of(cell) == "rich_text":
        yield fault("unsupported type of heading: rich_text", at)
    elif kind_of(cell) == "raw_number":
        if not _finite(cell.get("value")):
            yield fault("must provide a number", f"{at}/value")
        yield from optional_string(cell, "text", at, most=LONGEST_TABLE)
    else:
        yield from _cell(cell, at, most=LONGEST_TABLE)


def cell_texts(table: Block) -> list[str]:
    """What can be read in the cells of a data table."""
    return [text for row in listed(table.get("rows")) for cell in listed(row) for text in texts(cell)]


def data_visualization(value: Block, at: str) -> Faults:
    """docs.slack.dev/reference/block-kit/blocks/data-visualization-block"""
    yield from string(value.get("title"), f"{at}/title", most=50)
    chart = value.get("chart")
    if not isinstance(chart, dict) or kind_of(chart) not in CHARTS:
        yield fault("must be a line, bar, area or pie chart", f"{at}/chart")
        return
    content = CHARTS[chart["type"]]
    yield from items(chart.get(content), f"{at}/chart/{content}", most=6)
    yield from (_pie if content == "segments" else _plotted)(chart, f"{at}/chart")


def _pie(chart: Block, at: str) -> Faults:
    for n, segment in enumerate(listed(chart.get("segments"))):
        yield from _point(segment, f"{at}/segments/{n}")
        if isinstance(segment, dict) and _finite(segment.get("value")) and segment["value"] <= 0:
            yield fault("must be greater than 0", f"{at}/segments/{n}/value")


def _plotted(chart: Block, at: str) -> Faults:
    axes = chart.get("axis_config")
    if not isinstance(axes, dict):
        yield fault("missing required field: axis_config", at)
        return
    categories = axes.get("categories")
    yield from items(categories, f"{at}/axis_config/categories", most=20)
    for n, category in enumerate(listed(categories)):
        yield from string(category, f"{at}/axis_config/categories/{n}", most=20)
    for name in ("x_label", "y_label"):
        yield from optional_string(axes, name, f"{at}/axis_config", most=50)
    wanted = sorted(map(str, listed(categories)))
    if len(set(wanted)) < len(wanted):
        yield fault("categories must be unique", f"{at}/axis_config/categories")
    names = []
    for n, series in enumerate(listed(chart.get("series"))):
        inside = f"{at}/series/{n}"
        if not isinstance(series, dict):
            yield fault("must provide an object", inside)
            continue
        names.append(str(series.get("name")))
        yield from string(series.get("name"), f"{inside}/name", most=20)
        yield from items(series.get("data"), f"{inside}/data", most=20)
        for m, point in enumerate(listed(series.get("data"))):
            yield from _point(point, f"{inside}/data/{m}")
        labels = sorted(
            str(point.get("label")) for point in listed(series.get("data")) if isinstance(point, dict)
        )
        if labels != wanted:
            yield fault("must have one data point for each category", f"{inside}/data")
    if len(set(names)) < len(names):
        yield fault("names of series must be unique", f"{at}/series")


def _point(point: Any, at: str) -> Faults:
    if not isinstance(point, dict):
        yield fault("must provide an object", at)
        return
    yield from string(point.get("label"), f"{at}/label", most=20)
    if not _finite(point.get("value")):
        yield fault("must provide a number", f"{at}/value")


def _finite(value: Any) -> bool:
    return type(value) in {int, float} and math.isfinite(value)


def _whole_number(value: Any, at: str, *, least: int, most: int) -> Faults:
    if value is not None and not (type(value) is int and least <= value <= most):
        yield fault(f"must be a number from {least} to {most}", at)
