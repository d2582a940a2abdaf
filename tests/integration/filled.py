"""Many requests at once, written into the table: what is tested with them is how they are read."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import create_engine, insert

from creditbot.domain.changes import subuser_key
from creditbot.domain.requests import Status
from creditbot.store.tables import requests

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def row(number: int, **columns: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "id": number,
        "origin": f"filled {number}",
        "subuser": "acme",
        "allocation_update": 5000,
        "reason": "Black Friday",
        "status": Status.PENDING,
        "version": 1,
        "requested_by": "U0ASK",
        "requested_at": DAY,
        "expires_at": DAY + timedelta(hours=24),
        "checked_at": DAY,
        "approvals_needed": 1,
    } | columns
    return given | {"subuser_key": subuser_key(given["subuser"])}


def fill(url: str, rows: Iterable[dict[str, Any]]) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(insert(requests), list(rows))
    engine.dispose()
