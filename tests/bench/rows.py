"""All that is measured, in the order of the page."""

from collections.abc import Callable, Coroutine
from typing import Any

from . import forecast, memory, requests, scale, speed, starting, storms
from .figures import Figure
from .size import Size

Row = Callable[[Size], Coroutine[Any, Any, list[Figure]]]
"""Measures; the first line of its docstring says what, should that fail."""

SECTIONS: dict[str, dict[str, Row]] = {
    "What a command costs": {
        "balance": speed.balance,
        "ack": speed.ack,
        "same": storms.same,
    },
    "Many people at once": {
        "hung": storms.hung,
        "adds": storms.adds,
        "channel": storms.channel,
    },
    "One request": {
        "transactions": requests.transactions,
        "click": requests.click,
        "two-webs": requests.two_webs,
    },
    "Starting": {
        "help": starting.help_,
        "start": starting.start,
    },
    "A long record": {
        "scale": scale.scale,
        "memory": memory.memory,
    },
    "Forecasts": {
        "forecast": forecast.forecast,
    },
}

ROWS: dict[str, Row] = {name: row for rows in SECTIONS.values() for name, row in rows.items()}


def section_of(name: str) -> str:
    """The heading under which a row's figures stand."""
    return next(heading for heading, rows in SECTIONS.items() if name in rows)
