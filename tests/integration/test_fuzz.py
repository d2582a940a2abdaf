"""Signed payloads that are broken in every way: each gets its answer, and none changes anything."""

import hashlib
import hmac
import time
from collections import Counter
from pathlib import Path
from random import Random

import structlog
from sqlalchemy import create_engine

from creditbot.bootstrap import Role, build
from creditbot.settings.environment import WebSettings
from creditbot.startup.database import prepare_database
from creditbot.web import Web
from tests.extent import payloads
from tests.unharmed import POLICY, some_requests, state

from .adapters import Clock, database_url
from .in_process import post
from .payloads import mutated, samples

PAYLOADS = payloads(600, 3000)

SECRET = "made-up-signing-secret"


def settings(url: str, folder: Path) -> WebSettings:
    """Slack and SendGrid are closed ports."""
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
    known = list(samples("U0DAN", await some_requests(url, clock())))
    engine = create_engine(url)
    before = state(engine)
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
    assert state(engine) == before
    engine.dispose()
    # Many got through to a listener, and many did not.
    assert statuses[200] > PAYLOADS / 20, statuses
    assert statuses[400] > PAYLOADS / 20, statuses
