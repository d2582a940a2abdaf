"""Where a page of a list begins, as the buttons under the list carry it.

That is no secret and gives no right: whoever presses the button sees what they may see anyway.
"""

import re
from dataclasses import dataclass
from enum import IntEnum

from .errors import CommandError
from .fields import MAX_NAME, MAX_REQUEST_ID, subuser_name


class Section(IntEnum):
    """The parts of a list, in their order."""

    ALL = 0  # the history has one only
    FOR_YOU = 1  # open, and waiting for whoever looks
    YOURS = 2  # open, and asked for by whoever looks
    OTHERS = 3  # open


@dataclass(frozen=True, slots=True)
class Turn:
    """The page that follows this request in a list, or the one before it."""

    onward: bool
    section: Section
    request_id: int


@dataclass(frozen=True, slots=True)
class Pending:
    """List the open requests; without a `turn` from the beginning."""

    turn: Turn | None = None


@dataclass(frozen=True, slots=True)
class History:
    """List the latest requests, of one subuser or of all."""

    subuser: str | None = None
    turn: Turn | None = None


VALUE = re.compile(
    r"(?P<list>pending|history) (?P<way>on|back) (?P<section>[0-3]) (?P<id>[0-9]{1,10})"
    rf"(?: (?P<subuser>\S{{1,{MAX_NAME}}}))?"
)


def written(wanted: Pending | History, turn: Turn) -> str:
    """What a button carries that turns a list's pages."""
    name, subuser = ("pending", None) if isinstance(wanted, Pending) else ("history", wanted.subuser)
    words = [name, "on" if turn.onward else "back", str(int(turn.section)), str(turn.request_id)]
    return " ".join([*words, *([subuser] if subuser else [])])


def read(value: str) -> Pending | History | None:
    """The page that a button leads to; None if it carries anything but what `written` writes."""
    found = VALUE.fullmatch(value)
    if found is None or int(found["id"]) > MAX_REQUEST_ID:
        return None
    turn = Turn(found["way"] == "on", Section(int(found["section"])), int(found["id"]))
    subuser = found["subuser"]
    try:
        if subuser is not None and subuser_name(subuser) != subuser:
            return None
    except CommandError:
        return None
    wanted = Pending(turn) if found["list"] == "pending" else History(subuser, turn)
    sections = {Section.ALL} if isinstance(wanted, History) else set(Section) - {Section.ALL}
    return wanted if turn.section in sections and written(wanted, turn) == value else None
