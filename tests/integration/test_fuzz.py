"""Signed payloads that are broken in every way: each gets its answer, and none changes anything."""

import hashlib
import hmac
import os
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import structlog
from sqlalchemy import create_engine, text

from creditbot.bootstrap import Role, build, prepare_database
from creditbot.config import WebSettings
from creditbot.domain.requests import Status
from creditbot.store import requests
from creditbot.store.database import Database
from creditbot.web import Web

from .adapters import Clock, database_url
from .in_process import post
from .payloads import mutated, samples

PAYLOADS = int(os.environ.get("CREDITBOT_FUZZ", "3000"))

SECRET = "made-up-signing-secret"

POLICY = """
[who]
may_ask = ["U0NOBODY"]
may_see = ["U0NOBODY"]

[[tiers]]
name = "all"
approvers = ["U0NOBODY"]
"""


def settings(url: str, folder: Path) -> WebSettings:
    """Nobody who exists may do anything, so whatever changes something is a hole. Slack is a closed port."""
    (folder / "policy.toml").write_text(POLICY)
    return WebSettings.from_environ(
        {
            "SLACK_BOT_TOKEN": "xoxb-made-up",
            "SLACK_SIGNING_SECRET": SECRET,
            "SLACK_API_URL": "http://127.0.0.1:9/api/",
            "SENDGRID_API_KEY": "SG.made-up",
            "SENDGRID_API_URL": "http://127.0.0.1:9",
            "DATABASE_URL": url,
            "CREDITBOT_APPROVALS_CHANNEL": "C0APPROVALS",
            "CREDITBOT_POLICY": str(folder / "policy.toml"),
        }
    )


async def some_requests(url: str, clock: Clock) -> list[int]:
    """One that waits, one in doubt, one that failed."""
    database = Database(url)
    found: list[int] = []
    for path in ([], [Status.APPROVED, Status.APPLYING, Status.IN_DOUBT], [Status.REFUSED]):
        async with database.write() as transaction:
            request_id = await requests.create(
                transaction,
                origin=f"trigger {len(found)}",
                channel="C0APPROVALS",
                subuser=f"sub{len(found)}",
                allocation_update=5,
                reason="x",
                requested_by="U0NOBODY",
                at=clock(),
                expires_at=clock.now.replace(year=2126),
                remind_at=None,
                approvals_needed=1,
                policy_hash="x",
                tier="all",
            )
            found.append(request_id)
        for status in path:
            async with database.write() as transaction:
                request = await requests.get(transaction.connection, request_id)
                assert request is not None
                await requests.transition(transaction, request, status, kind=str(status), at=clock())
    await database.close()
    return found


def state(url: str) -> list[Any]:
    """All that anyone could have changed, but for what was refused."""
    engine = create_engine(url.replace("sqlite+aiosqlite:", "sqlite:"))
    with engine.connect() as connection:
        found = [
            list(connection.execute(text(f"SELECT * FROM {table} ORDER BY id")))  # noqa: S608 - names of ours
            for table in ("requests", "approvals", "attempts", "notices")
        ]
        kinds = set(connection.execute(text("SELECT DISTINCT kind FROM events")).scalars())
    engine.dispose()
    return [found, kinds - {"refused_click", "refused_ask", "repeated_click"}]


async def send(web: Web, body: bytes, content_type: str) -> int:
    """Send a body as Slack would sign it; return the status."""
    at = str(int(time.time()))
    signature = hmac.new(SECRET.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
    headers = {
        "content-type": content_type,
        "x-slack-request-timestamp": at,
        "x-slack-signature": f"v0={signature}",
    }
    status, _ = await post(web, body, headers)
    return status


async def test_no_broken_payload_fails_the_bot_or_changes_anything(tmp_path: Path, clock: Clock) -> None:
    url = database_url(tmp_path / "fuzz.db")
    await prepare_database(url)
    known = list(samples("U0DAN", await some_requests(url, clock)))
    before = state(url)
    random = Random(20260302)
    statuses: Counter[int] = Counter()
    service = build(settings(url, tmp_path), Role.WEB)
    assert service.web is not None
    with structlog.testing.capture_logs() as logs:
        for _ in range(PAYLOADS):
            body, content_type = mutated(random.choice(known), random)
            status = await send(service.web, body, content_type)
            assert status < 500, body
            statuses[status] += 1
        await service.tasks.drain(10)
    await service.close()
    assert [entry for entry in logs if entry["log_level"] in {"error", "critical"}] == []
    assert state(url) == before
    # Many got through to a listener, and many did not.
    assert statuses[200] > PAYLOADS / 20, statuses
    assert statuses[400] > PAYLOADS / 20, statuses
