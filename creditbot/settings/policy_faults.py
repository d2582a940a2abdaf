"""Faults of `policy.toml` as people read them: the line, and a sentence."""

import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from .policy_tables import TABLES, PolicyTable


def own_faults(faults: Sequence[Any]) -> list[Any]:
    """Without those that only follow: a list counts as too short if all that is in it is faulty."""
    inner = {fault["loc"][:end] for fault in faults for end in range(len(fault["loc"]))}
    return [fault for fault in faults if fault["type"] != "too_short" or fault["loc"] not in inner]


def line_of(text: str, place: tuple[int | str, ...]) -> int:
    """The line in which the statement about `place` begins; of a missing key, the table that lacks it.

    TOML's readers keep no lines. But a file that is cut after a whole statement is a file as well, so the
    shortest beginning that has the place ends with its statement.
    """
    whole = 0  # lines in the longest beginning so far that can be read
    lines = text.splitlines()
    found = 1
    for number in range(1, len(lines) + 1):
        try:
            read = tomllib.loads("\n".join(lines[:number]))
        except tomllib.TOMLDecodeError:
            continue
        deeper = _depth(read, place)
        if deeper > _depth(tomllib.loads("\n".join(lines[:whole])), place):
            found = _first_statement(lines, whole, number)
            if deeper == len(place):
                return found
        whole = number
    return found


def _depth(read: Any, place: tuple[int | str, ...]) -> int:
    """How many steps of the place there are."""
    for taken, step in enumerate(place):
        in_table = isinstance(read, Mapping) and step in read
        in_list = isinstance(read, list) and isinstance(step, int) and step < len(read)
        if not (in_table or in_list):
            return taken
        read = read[step]
    return len(place)


def _first_statement(lines: list[str], start: int, end: int) -> int:
    for number in range(start, end):
        content = lines[number].strip()
        if content and not content.startswith("#"):
            return number + 1
    return end


def sentence_of(fault: Any) -> str:
    """One fault in words; a value is not repeated where the sentence says what it should be."""
    place: tuple[int | str, ...] = fault["loc"]
    name = str(place[-1]) if place and isinstance(place[-1], str) else _entry(place)
    if fault["type"] == "extra_forbidden":
        known = _keys(place[:-1])
        near = get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; the settings here are {', '.join(known)}."
        return f"{name} is not a setting here{hint}"
    if fault["type"] == "missing":
        return f"{name} is missing{_in(place[:-1])}. {MISSING.get(name, '')}".rstrip()
    said = str(fault["msg"]).removeprefix("Value error, ")
    if not place or (fault["type"] == "value_error" and _is_table(place)):
        return f"{said[0].upper()}{said[1:]}."
    said = said if said.startswith(("is ", "names ", "entry ")) else f"is wrong: {said[0].lower()}{said[1:]}"
    return f"{name} {said}."


MISSING = {
    "who": 'Say who may ask, and who may see balances: may_ask = "anyone" or a list of IDs, may_see too.',
    "may_ask": 'Write may_ask = "anyone", or a list of user IDs and user-group IDs.',
    "may_see": 'Write may_see = "anyone", or a list of user IDs and user-group IDs.',
    "tiers": "Without a tier nobody can approve anything: add one that begins with [[tiers]].",
    "approvers": "List the user IDs and user-group IDs of those who may approve.",
    "name": "Give the tier a name: people see it when the tier refuses something.",
}


def _in(place: tuple[int | str, ...]) -> str:
    table = next((step for step in reversed(place) if isinstance(step, str)), None)
    return "" if table is None else f" in {table}"


def _entry(place: tuple[int | str, ...]) -> str:
    table = next((step for step in reversed(place) if isinstance(step, str)), "it")
    number = next((step for step in reversed(place) if isinstance(step, int)), 0)
    return f"{table}, entry {number + 1},"


def _is_table(place: tuple[int | str, ...]) -> bool:
    return str(place[-1]) in TABLES


def _keys(place: tuple[int | str, ...]) -> list[str]:
    table = next((step for step in reversed(place) if isinstance(step, str)), None)
    fields = TABLES.get(table or "", PolicyTable).model_fields
    return list(fields)
