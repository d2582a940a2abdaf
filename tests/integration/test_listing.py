"""`creditbot requests list`: what it prints, for whom, and how much it holds at a time."""

import csv
import io
import json
import re
import tracemalloc
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, insert

from creditbot.cli import listing
from creditbot.cli.listing import COLUMNS, HEADINGS, PAGE, Format, as_document, print_requests
from creditbot.domain.requests import Status
from creditbot.store import lists
from creditbot.store.database import Database
from creditbot.store.lists import EVERY, Wanted
from creditbot.store.tables import approvals, requests
from tests.extent import short_or_long

from .filled import DAY, fill, row


class Nowhere(io.StringIO):
    """Takes what is printed and keeps none of it."""

    def write(self, text: str, /) -> int:
        return len(text)


async def printed(url: str, format_: Format, wanted: Wanted = EVERY, width: int | None = None) -> str:
    out = io.StringIO()
    await print_requests(url, out, format_, wanted=wanted, width=width)
    return out.getvalue()


async def found(url: str, **wanted: Any) -> list[int]:
    return [request["id"] for request in json.loads(await printed(url, "json", Wanted(**wanted)))]


@pytest.mark.parametrize("number", [0, 1, PAGE, 2 * PAGE + 1])
async def test_json_is_an_array_of_all_as_one_dump_would_write_it(url: str, number: int) -> None:
    if number:
        fill(url, (row(place, reason="two\nlines, and\u2028a third") for place in range(1, number + 1)))
    database = Database(url)
    async with database.read() as connection:
        all_ = [as_document(request) for request in await lists.page(connection, 10_000)]
    await database.close()

    assert await printed(url, "json") == json.dumps(all_, indent=2, ensure_ascii=False) + "\n"
    assert len(all_) == number


async def test_filters_narrow_the_list_together(url: str) -> None:
    later = DAY + timedelta(days=1)
    fill(
        url,
        [
            row(1, subuser="ÄCME"),
            row(2, subuser="äcme", status=Status.FAILED),
            row(3, status=Status.FAILED, requested_at=DAY - timedelta(milliseconds=1)),
            row(4, status=Status.IN_DOUBT, requested_at=later),
            row(5, subuser="äcme", status=Status.APPLIED, requested_at=later),
        ],
    )
    both = frozenset({Status.FAILED, Status.IN_DOUBT})

    assert await found(url) == [1, 2, 3, 4, 5]
    assert await found(url, statuses=both) == [2, 3, 4]
    assert await found(url, subuser="Äcme") == [1, 2, 5]
    assert await found(url, since=DAY) == [1, 2, 4, 5]
    assert await found(url, since=DAY, statuses=both) == [2, 4]
    assert await found(url, since=DAY, statuses=both, subuser="äcme") == [2]
    assert await found(url, subuser="nobody") == []


async def test_csv_has_the_columns_of_json_and_no_formula(url: str) -> None:
    fill(url, [row(1, allocation_update=-5, reason="=1+1, see\na;@b"), row(2, reason='"quoted"')])
    engine = create_engine(url)
    with engine.begin() as connection:
        given = [{"request_id": 1, "approver": who, "at": DAY} for who in ("U0ANN", "U0BEN")]
        connection.execute(requests.update().values(version=2))
        connection.execute(insert(approvals), given)
    engine.dispose()

    first, second = csv.DictReader(io.StringIO(await printed(url, "csv")))

    assert tuple(first) == COLUMNS == tuple(json.loads(await printed(url, "json"))[0])
    assert first["allocation_update"] == "-5"
    assert first["approved_by"] == "U0ANN U0BEN"
    assert first["reason"] == "'=1+1, see\na;'@b"
    assert (second["reason"], second["decided_by"], second["status"]) == ('"quoted"', "", "pending")
    nothing = await printed(url, "csv", Wanted(subuser="nobody"))
    assert next(csv.reader([nothing])) == list(COLUMNS)


LONG = row(123_456, subuser="n" * 128, reason="r" * 250 + " " + "ü" * 249, status=Status.IN_DOUBT)


async def test_a_pipe_gets_whole_values_with_tabs_in_between_and_nothing_else(url: str) -> None:
    fill(url, [row(1, reason="a\ttab\x1b[31m and\u2028a line"), LONG])

    heading, first, long = (await printed(url, "table")).splitlines()

    assert heading.split("\t") == list(HEADINGS)
    assert first.split("\t") == [
        "1",
        "2026-03-02 00:00",
        "acme",
        "+5,000",
        "pending",
        "U0ASK",
        "",
        r"a\ttab\x1b[31m and\u2028a line",
    ]
    cells = dict(zip(HEADINGS, long.split("\t"), strict=True))
    assert (cells["Subuser"], cells["Reason"]) == (LONG["subuser"], LONG["reason"])
    assert cells["Status"] == "in doubt"
    assert await printed(url, "table", Wanted(subuser="nobody")) == ""


@pytest.mark.parametrize("width", [1, 10, 80, 200, 1000])
async def test_a_terminal_of_any_width_gets_whole_values(url: str, width: int) -> None:
    fill(url, [row(1), LONG, row(2_000_000_000, reason="大" * 500)])

    table = await printed(url, "table", width=width)

    for whole in ("123456", "2000000000", LONG["subuser"], "in doubt", "2026-03-02 00:00", "U0ASK"):
        assert whole in table
    without_blanks = "".join(table.split())
    for reason in ("BlackFriday", LONG["reason"].replace(" ", ""), "大" * 500):
        assert reason in without_blanks


@pytest.mark.parametrize("format_", ["json", "csv", "table"])
async def test_a_long_list_is_read_in_pages_and_takes_no_more_memory_than_a_short_one(
    url: str, format_: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two pages more or less are as much as there is to hold."""
    page = short_or_long(100, PAGE)
    monkeypatch.setattr(listing, "PAGE", page)
    pages = 0

    def count(*_: object) -> None:
        nonlocal pages
        pages += 1

    async def peak() -> int:
        tracemalloc.start()
        await print_requests(url, Nowhere(), format_)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    fill(url, (row(number, reason="x" * 500) for number in range(1, 2 * page)))
    await peak()  # what is kept of statements and drivers has been made by now
    short = await peak()
    fill(url, (row(number, reason="x" * 500) for number in range(2 * page, 8 * page)))
    event.listen(Engine, "begin", count)
    try:
        long = await peak()
    finally:
        event.remove(Engine, "begin", count)
    assert pages == 10  # eight full ones, an empty one, and the look whose database it is
    assert long < 1.5 * short


def test_the_documented_columns_are_those_that_are_printed_and_a_token_is_none_of_them() -> None:
    page = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()
    documented = page.partition("JSON and CSV have a column for each of")[2].partition("Times are")[0]
    assert tuple(re.findall(r"`(\w+)`", documented)) == COLUMNS
    assert "token" not in COLUMNS
