"""What was measured, against its goal; and the tables that show it."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from .machine import Machine


@dataclass(frozen=True, slots=True)
class Figure:
    """One line: `met` is None where a goal names no number, or there is none."""

    what: str
    goal: str
    figure: str
    met: bool | None = None
    database: str = ""
    measured: bool = True

    @classmethod
    def missing(cls, what: str, error: Exception) -> "Figure":
        """In the place of what could not be measured."""
        said = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(": ")
        return cls(what, "", said[:LONGEST], measured=False)

    @property
    def verdict(self) -> str:
        if not self.measured:
            return "not measured"
        return {True: "met", False: "not met", None: ""}[self.met]


LONGEST = 200
"""Characters of an error that are shown."""

Sections = Mapping[str, Sequence[Figure]]
"""Figures by the heading under which they stand."""


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


def table(sections: Sections, machine: Machine) -> Table:
    """For the terminal."""
    shown = Table(title="creditbot beside its goals", caption=machine.line, show_lines=True)
    for column in ("what", "database", "goal", "figure", ""):
        shown.add_column(column)
    for figures in sections.values():
        for one in figures:
            colour = {"met": "green", "": "default"}.get(one.verdict, "red")
            shown.add_row(one.what, one.database, one.goal, one.figure, f"[{colour}]{one.verdict}[/]")
        shown.add_section()
    return shown


def page(sections: Sections, machine: Machine, command: str) -> str:
    """For docs/benchmarks.md."""
    lines = [
        "# Benchmarks",
        "",
        f"Made by `{command}` on {machine.date}: {machine.line}.",
        "",
        *_summary(sections),
        "",
        "The bot runs as processes, between a Slack and a SendGrid on the same machine, and another process",
        "sends it signed HTTP. A ratio to the bare app is to a Bolt app that makes the same calls",
        "(`tests/bench/bare.py`), in rounds that take turns with the bot's. Ratios hold on other machines,",
        "too; milliseconds hold on this one.",
    ]
    for heading, figures in sections.items():
        lines += ["", f"## {heading}", "", "| what | database | goal | figure | |", "|---|---|---|---|---|"]
        lines += map(_line, figures)
    return "\n".join(lines) + "\n"


def _summary(sections: Sections) -> list[str]:
    """How many goals are met, and which are not."""
    every = [one for figures in sections.values() for one in figures]
    with_goal = [one for one in every if one.verdict]
    met = sum(one.verdict == "met" for one in with_goal)
    others = [one for one in with_goal if one.verdict != "met"]
    if not others:
        return [f"Each goal is met: {met} of {met}."]
    lines = [f"{met} of {len(with_goal)} goals are met. These are not:", ""]
    return lines + [f"- {_named(one)}: {_in_line(one.figure)} ({one.verdict})" for one in others]


def _named(one: Figure) -> str:
    return _in_line(one.what) + (f", {one.database}" if one.database else "")


def _line(one: Figure) -> str:
    cells = (one.what, one.database, one.goal, one.figure, one.verdict)
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", "<br>") for cell in cells) + " |"


def _in_line(text: str) -> str:
    """The first line of what may have several."""
    return text.splitlines()[0].rstrip(":") if text else ""
