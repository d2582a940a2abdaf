"""What was measured, against its goal; and the tables that show it."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.table import Table

from .machine import Machine

SHOWN = {True: "met", False: "not met", None: ""}


@dataclass(frozen=True, slots=True)
class Figure:
    """One line: `met` is None where a goal names no number, or there is none."""

    what: str
    goal: str
    figure: str
    met: bool | None = None
    database: str = ""


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of them do not exceed; NaN of none."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of values that were measured in turn: what disturbs a round disturbs both."""
    return statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms"


def table(figures: Iterable[Figure], machine: Machine) -> Table:
    """For the terminal."""
    shown = Table(title="creditbot beside its goals", caption=machine.line, show_lines=True)
    for column in ("what", "database", "goal", "figure", ""):
        shown.add_column(column)
    for one in figures:
        colour = {True: "green", False: "red", None: "default"}[one.met]
        shown.add_row(one.what, one.database, one.goal, one.figure, f"[{colour}]{SHOWN[one.met]}[/]")
    return shown


def page(figures: Iterable[Figure], machine: Machine, command: str) -> str:
    """For docs/benchmarks.md."""
    lines = [
        "# Benchmarks",
        "",
        f"Made by `{command}` on {machine.date}: {machine.line}.",
        "",
        "The bot runs as processes, between a Slack and a SendGrid on the same machine, and another process",
        "sends it signed HTTP. Ratios are to a bare Bolt app that makes the same calls",
        "(`tests/bench/bare.py`), in rounds that take turns with the bot's.",
        "",
        "| what | database | goal | figure | |",
        "|---|---|---|---|---|",
    ]
    for one in figures:
        cells = (one.what, one.database, one.goal, one.figure, SHOWN[one.met])
        lines.append(
            "| " + " | ".join(cell.replace("|", "\\|").replace("\n", "<br>") for cell in cells) + " |"
        )
    return "\n".join(lines) + "\n"
