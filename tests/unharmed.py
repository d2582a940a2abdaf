"""What is laid down before a bot is sent broken payloads, and what must be as it was after."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, text

from creditbot.domain.changes import Change
from creditbot.domain.requests import Status
from creditbot.domain.shown import Shown
from creditbot.domain.who import Actor
from creditbot.store import requests
from creditbot.store.database import Database

POLICY = """
[who]
may_ask = ["U0NOBODY"]
may_see = ["U0NOBODY"]

[[tiers]]
name = "all"
approvers = ["U0NOBODY"]
"""
"""Nobody who acts may do anything, so whatever changes something is a hole."""

SUBUSERS = ("sub0", "sub1", "sub2")

MAY_HAPPEN = ("refused_click", "refused_ask", "repeated_click", "digest")
"""Events that tell of a refusal, and the one that comes by the clock."""


async def some_requests(url: str, at: datetime) -> list[str]:
    """What the cards' buttons carry of one that waits, one in doubt, one that was refused."""
    database = Database(url)
    found: list[str] = []
    paths: tuple[list[Status], ...] = (
        [],
        [Status.APPROVED, Status.APPLYING, Status.IN_DOUBT],
        [Status.REFUSED],
    )
    for subuser, path in zip(SUBUSERS, paths, strict=True):
        async with database.write() as transaction:
            created = await requests.create(
                transaction,
                origin=f"trigger {len(found)}",
                channel="C0APPROVALS",
                change=Change(subuser, 5),
                reason="x",
                requested_by=Actor("U0NOBODY"),
                at=at,
                expires_at=at.replace(year=2126),
                remind_at=None,
                approvals_needed=1,
                policy_hash="x",
                tier="all",
            )
            found.append(str(Shown(created.id, created.token, "0" * 16)))
        for status in path:
            async with database.write() as transaction:
                request = await requests.get(transaction.connection, created.id)
                assert request is not None
                await requests.transition(transaction, request, status, kind=str(status), at=at)
    await database.close()
    return found


def state(engine: Engine) -> list[Any]:
    """All that anyone could have changed, but for what was refused."""
    refused = ", ".join(f"'{kind}'" for kind in MAY_HAPPEN)
    queries = [
        f"SELECT * FROM {table} ORDER BY id"  # noqa: S608 - names of ours
        for table in ("requests", "approvals", "attempts")
    ]
    queries.append("SELECT * FROM outbox WHERE kind <> 'card' ORDER BY id")
    queries.append(
        "SELECT request_id, kind, actor, from_status, to_status, detail FROM events "  # noqa: S608 - kinds of ours
        f"WHERE kind NOT IN ({refused}) ORDER BY id"
    )
    with engine.connect() as connection:
        return [[tuple(row) for row in connection.execute(text(query))] for query in queries]


def complaints(log: str) -> list[str]:
    """The lines of a log that tell of a fault: of level error, with a traceback, or past the logger."""
    return [line for line in log.splitlines() if line and _complains(line)]


def _complains(line: str) -> bool:
    try:
        entry = json.loads(line)
    except ValueError:
        return True
    return entry.get("level") in {"error", "critical"} or "exception" in entry or "Traceback" in line
