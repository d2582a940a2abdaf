"""Each value of a row is read for itself: what a column is not for is named, whatever it is."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Column

from creditbot.store.readable import MOST_TIMES, count, read
from creditbot.store.tables import requests

C = requests.c


@pytest.mark.parametrize(
    ("column", "stored"),
    [
        (C.reason, "fo\udcff"),
        (C.reason, b"why"),
        (C.reason, 5),
        (C.reason, None),
        (C.allocation_update, "many"),
        (C.allocation_update, 2.5),
        (C.allocation_update, True),
        (C.allocation_update, b"5"),
        (C.version, None),
        (C.requested_at, "yesterday"),
        (C.requested_at, 2**60),
        (C.requested_at, -(2**60)),
        (C.requested_at, None),
    ],
    ids=str,
)
def test_what_a_column_is_not_for_can_not_be_read(column: Column[Any], stored: object) -> None:
    values, unreadable = read([column, C.id], {column.name: stored, "id": 7})
    assert (values, unreadable) == ({"id": 7}, [column.name])


def test_what_it_is_for_can() -> None:
    stored = {"reason": "why", "decided_at": None, "requested_at": 1_000, "allocation_update": -5}
    values, unreadable = read([C[name] for name in stored], stored)
    assert unreadable == []
    assert values == stored | {"requested_at": datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)}


@pytest.mark.parametrize("stored", ["x", None, b"1", -1, 2.5, MOST_TIMES + 1])
def test_how_often_something_was_tried_is_no_more_than_it_can_be(stored: object) -> None:
    assert count(stored) == 0
    assert count(9) == 9
