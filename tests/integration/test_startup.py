"""A start looks at its database first: it waits for one that comes, and says what is not as it should be."""

import asyncio
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from sqlalchemy.exc import OperationalError

from creditbot.startup.database import check_database, prepare_database
from creditbot.startup.policy import activate
from creditbot.store import identity
from creditbot.store.database import Database
from creditbot.store.engines import is_postgres
from creditbot.store.tables import SCHEMA_VERSION
from tests.postgres import PostgresServer
from tests.processes import ROOT
from tests.sqlite import migrated

from .adapters import CHANNEL, POLICY, Clock

WAITS = "The database does not answer; trying again"


async def test_a_database_that_does_not_exist_is_not_waited_for(postgres: PostgresServer) -> None:
    with structlog.testing.capture_logs() as logs, pytest.raises(OperationalError, match="does not exist"):
        await prepare_database(postgres.driver_url("nowhere"), patience=5)

    assert logs == []


async def test_a_server_that_is_away_is_waited_for(own_server: PostgresServer) -> None:
    url = own_server.driver_url(await asyncio.to_thread(own_server.create))
    await asyncio.to_thread(own_server.stop)

    with structlog.testing.capture_logs() as logs:
        preparing = asyncio.create_task(prepare_database(url))
        async with asyncio.timeout(60):
            while WAITS not in [entry["event"] for entry in logs]:  # noqa: ASYNC110 - it tells nobody else
                await asyncio.sleep(0.02)
        assert not preparing.done()
        await asyncio.to_thread(own_server.start)
        await preparing

    database = Database(url)
    async with database.read() as connection:
        assert await connection.run_sync(identity.version_of) == SCHEMA_VERSION
    await database.close()


@pytest.mark.parametrize(
    ("name", "table"), [("events_refuse_update", "events"), ("cards_follow", "requests")]
)
async def test_a_start_warns_of_triggers_that_were_taken_away(url: str, name: str, table: str) -> None:
    if is_postgres(url):
        name = name.removesuffix("_update")
    with structlog.testing.capture_logs() as logs:
        await check_database(url)
        assert logs == []
        database = Database(url)
        async with database.write() as transaction:
            statement = f"DROP TRIGGER {name}" + (f" ON {table}" if is_postgres(url) else "")
            await transaction.connection.exec_driver_sql(statement)
        await database.close()
        await check_database(url)

    [entry] = logs
    assert (entry["log_level"], entry["missing"]) == ("warning", [name])
    assert "`creditbot migrate`" in entry["event"]


async def test_the_first_policy_is_not_called_another(url: str, clock: Clock) -> None:
    database = Database(url)
    with structlog.testing.capture_logs() as logs:
        for policy in (POLICY, POLICY, replace(POLICY, expiry=timedelta(hours=2))):
            await activate(database, policy, CHANNEL, clock)
    await database.close()

    assert [entry["event"] for entry in logs] == [
        "This policy is in force from now on",
        "Another policy is in force from now on",
    ]


SERVED = """
import sys
from creditbot.cli import main
sys.argv = ["creditbot", "serve"]
try:
    main()
finally:
    print(*(name for name, module in sys.modules.items() if module is not None))
"""
NOT_FOR_SQLITE = {
    "alembic",
    "creditbot.sandbox",
    "creditbot.settings.policy_file",
    "procrastinate",
    "psycopg",
    "pydantic",
    "rapidfuzz",
    "rich",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.ext.asyncio",
    "sqlalchemy.orm",
    "typer",
}


def test_a_start_imports_nothing_that_this_process_does_not_need(tmp_path: Path) -> None:
    path = shutil.copy(migrated(), tmp_path / "creditbot.db")
    env = {
        "CREDITBOT_APPROVALS_CHANNEL": CHANNEL,
        "DATABASE_URL": f"sqlite:///{path}",
        "HOST": "no address",
        "PYTHONPATH": str(ROOT),
        "SENDGRID_API_KEY": "SG.made-up.key",
        "SLACK_BOT_TOKEN": "xoxb-made-up",
        "SLACK_SIGNING_SECRET": "made-up-signing-secret",
    }
    done = subprocess.run(  # noqa: S603 - this Python, and what is written here
        [sys.executable, "-c", SERVED], env=env, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "HOST is wrong" in done.stderr
    loaded = set(done.stdout.split())
    assert "creditbot.bootstrap" in loaded
    assert loaded & NOT_FOR_SQLITE == set()
