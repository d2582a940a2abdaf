"""Requests for a terminal, a spreadsheet or a program: oldest first, read page by page."""

import json
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Literal, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from creditbot.domain.errors import UnreadableRequest
from creditbot.domain.markup import without_markup
from creditbot.domain.relations import RelationKind
from creditbot.domain.requests import CreditRequest
from creditbot.domain.text import signed
from creditbot.ledger import spreadsheet
from creditbot.store import lists
from creditbot.store.database import Database, looking_at
from creditbot.store.lists import Wanted

Format = Literal["table", "json", "csv"]

UNREADABLE = "unreadable"
"""What stands for the status of a request that can't be read."""

PAGE = 500
"""Requests that are held at a time."""

REASON_WIDTH = 20
"""The least that a reason gets in a table; a narrower terminal breaks its lines."""

HEADINGS = ("ID", "Requested (UTC)", "Subuser", "Change", "Status", "Requested by", "Decided by", "Reason")

COLUMNS = (
    "id",
    "subuser",
    "allocation_update",
    "reason",
    "status",
    "policy_hash",
    "again_of",
    "requested_by",
    "requested_at",
    "approved_by",
    "decided_by",
    "decided_at",
    "decision_reason",
    "break_glass_reason",
    "finished_at",
    "answer_status",
    "remain_before",
    "remain_before_at",
    "remain_after",
    "remain_after_at",
    "unclear_until",
    "read_again_at",
    "explanation",
    "settled_by",
    "settled_reason",
    "contradicted_at",
)
"""What JSON and CSV have of a request."""

Listed = CreditRequest | UnreadableRequest
Write = Callable[[Sequence[Listed]], None]


async def print_requests(
    url: str, out: TextIO, format_: Format, *, wanted: Wanted = lists.EVERY, width: int | None = None
) -> bool:
    """Print the requests; return whether there were any.

    `width` is that of the terminal, in characters; None where `out` is no terminal.
    """
    found = False
    async with looking_at(url) as database:
        with _writer(out, format_, width) as write:
            async for page in _pages(database, wanted):
                found = True
                write(page)
    out.flush()
    return found


async def _pages(database: Database, wanted: Wanted) -> AsyncIterator[list[Listed]]:
    """Each in a transaction of its own: whoever reads takes their time, and must not keep one open."""
    after: int | None = None
    while True:
        async with database.read() as connection:
            page = await lists.page(connection, PAGE, after=after, wanted=wanted)
        if not page:
            return
        yield page
        after = page[-1].id


@contextmanager
def _writer(out: TextIO, format_: Format, width: int | None) -> Iterator[Write]:
    if format_ == "json":
        yield from _json(out)
    elif format_ == "csv":
        yield _csv(out)
    else:
        yield _lines(out) if width is None else _table(out, width)


def _json(out: TextIO) -> Iterator[Write]:
    """An array as `json.dump` writes it, request by request."""
    before = "["

    def write(page: Sequence[Listed]) -> None:
        nonlocal before
        for request in page:
            text = json.dumps(as_document(request), indent=2, ensure_ascii=False).replace("\n", "\n  ")
            out.write(f"{before}\n  {text}")
            before = ","

    yield write
    out.write("[]\n" if before == "[" else "\n]\n")


def _csv(out: TextIO) -> Write:
    write_row = spreadsheet.writer(out)
    write_row(COLUMNS)

    def write(page: Sequence[Listed]) -> None:
        for request in page:
            approvers = "" if isinstance(request, UnreadableRequest) else " ".join(request.approvers)
            write_row((as_document(request) | {"approved_by": approvers}).values())

    return write


def _lines(out: TextIO) -> Write:
    """A line each, with tabs in between and the values as they are: for grep, cut and awk."""
    before = ["\t".join(HEADINGS)]

    def write(page: Sequence[Listed]) -> None:
        lines = [*before, *("\t".join(_cells(request)) for request in page)]
        out.writelines(f"{line}\n" for line in lines)
        before.clear()

    return write


def _table(out: TextIO, width: int) -> Write:
    """Columns; nothing but a reason goes on in the next line, so that names and IDs can be copied."""

    def write(page: Sequence[Listed]) -> None:
        rows = [_cells(request) for request in page]
        needed = [max(map(cell_len, column)) for column in zip(HEADINGS, *rows, strict=True)]
        needed[-1] = min(needed[-1], REASON_WIDTH)
        table = Table(box=None, header_style="bold", pad_edge=False)
        for heading in HEADINGS:
            justify: Literal["left", "right"] = "right" if heading == "Change" else "left"
            table.add_column(heading, justify=justify, no_wrap=heading != "Reason", overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))
        # Too narrow a terminal breaks the lines itself; rich would leave out what does not fit.
        Console(file=out, width=max(width, sum(needed) + len(needed) - 1)).print(table)

    return write


def _cells(request: Listed) -> tuple[str, ...]:
    if isinstance(request, UnreadableRequest):
        return (str(request.id), "", "", "", UNREADABLE, "", "", without_markup(request.sentence))
    cells = (
        str(request.id),
        f"{request.requested_at:%Y-%m-%d %H:%M}",
        request.subuser,
        signed(request.allocation_update),
        request.status.replace("_", " "),
        request.requested_by,
        request.decided_by or "",
        request.reason,
    )
    return tuple(map(_in_one_line, cells))


def _in_one_line(text: str) -> str:
    """What would break the line or steer the terminal is written as its escape."""
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in {"Cc", "Zl", "Zp"} else char
        for char in text
    )


def as_document(request: Listed) -> dict[str, object]:
    """A request as JSON has it; times are ISO 8601 in UTC. Of one that can't be read, its ID and why."""
    if isinstance(request, UnreadableRequest):
        why = without_markup(request.sentence)
        known: dict[str, object] = {"id": request.id, "status": UNREADABLE, "explanation": why}
        return dict.fromkeys(COLUMNS) | known
    return {name: _value(request, name) for name in COLUMNS}


def _value(request: CreditRequest, name: str) -> object:
    if name == "approved_by":
        return list(request.approvers)
    if name == "again_of":
        return request.follows(RelationKind.AGAIN)
    value = getattr(request, name)
    return value.isoformat() if isinstance(value, datetime) else value
