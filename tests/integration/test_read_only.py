"""A copy that can only be read: verified, listed and exported as it is, with nothing made beside it."""

import asyncio
import io
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text

from creditbot.cli.listing import print_requests
from creditbot.ledger.export import export
from creditbot.ledger.verify import verify
from tests.postgres import PostgresServer, Standby
from tests.sqlite import migrated

AS_NOBODY = """
import io, os, sys
from contextlib import redirect_stderr, redirect_stdout
from creditbot import cli

def run():
    try:
        cli.main()
    except SystemExit as end:
        return end.code or 0
    return 0

if os.geteuid() == 0:  # who may do all could write anyway; once before, so that all is imported
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        os.environ["DATABASE_URL"], there = os.environ["WARM_UP"], os.environ["DATABASE_URL"]
        run()
    os.environ["DATABASE_URL"] = there
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
sys.exit(run())
"""

NAME = "credit bot%.db"

VERIFY = ("audit", "verify")

LOOKS = (
    VERIFY,
    ("requests", "list"),
    ("requests", "list", "--format", "json"),
    ("audit", "export"),
)

REQUEST = (
    "INSERT INTO requests (origin, subuser, allocation_update, reason, status, version, requested_by, "
    "requested_at, expires_at, approvals_needed) "
    "VALUES ('x', 'acme', 5, 'Easter', 'failed', 3, 'U1', 0, 1, 1)"
)
"""One that the ledger tells nothing of, which `verify` must notice."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that nobody may write to, with a database that nobody may write to."""
    with tempfile.TemporaryDirectory() as made:
        place = Path(made) / "copy"
        place.mkdir()
        path = Path(shutil.copy(migrated(), place / NAME))
        engine = create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            connection.execute(text(REQUEST))
        engine.dispose()
        Path(made).chmod(0o755)
        path.chmod(0o444)
        place.chmod(0o555)
        yield place
        place.chmod(0o755)


@pytest.fixture
def writable(tmp_path: Path) -> Path:
    """One that may be written to, on which root tries the command before."""
    return Path(shutil.copy(migrated(), tmp_path / "warm.db"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def of(folder: Path) -> str:
    return f"sqlite:///{folder / NAME}"


def look(url: str, *arguments: str, warm_up: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command as somebody who is not root."""
    return subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-c", AS_NOBODY, *arguments],
        env={
            # What the tests themselves are told by is no setting, and would be warned of.
            **{name: value for name, value in os.environ.items() if not name.startswith("CREDITBOT_")},
            "DATABASE_URL": url,
            "WARM_UP": f"sqlite:///{warm_up}",
        },
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def seen(done: subprocess.CompletedProcess[str], arguments: tuple[str, ...]) -> None:
    """It told what is there, whatever that is worth."""
    if arguments == VERIFY:
        assert done.returncode == 1, done
        assert "The chain is intact, but the tables do not match it" in done.stderr
    elif arguments[0] == "requests":
        assert (done.returncode, done.stderr) == (0, "")
        assert "Easter" in done.stdout
    else:
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith('"id","at"')


@pytest.mark.parametrize("arguments", LOOKS, ids=" ".join)
def test_a_file_in_a_folder_that_can_only_be_read(
    folder: Path, writable: Path, arguments: tuple[str, ...]
) -> None:
    before = contents(folder)
    seen(look(of(folder), *arguments, warm_up=writable), arguments)
    assert contents(folder) == before


def test_a_file_that_can_only_be_read_in_a_folder_where_others_can_be_made(
    folder: Path, writable: Path
) -> None:
    folder.chmod(0o777)
    before = contents(folder)
    seen(look(of(folder), *VERIFY, warm_up=writable), VERIFY)
    assert contents(folder) == before


def test_what_the_bot_has_just_written_is_seen_by_who_may_only_read(folder: Path, writable: Path) -> None:
    with closing(sqlite3.connect(folder / NAME)) as bot:
        bot.execute("UPDATE requests SET reason = 'Whitsun'")
        bot.commit()
        for path in folder.iterdir():
            path.chmod(0o444)
        listed = look(of(folder), "requests", "list", warm_up=writable)
    assert "Whitsun" in listed.stdout
    assert "Easter" not in listed.stdout


def test_a_copy_whose_last_changes_cannot_be_read_is_not_shown_without_them(
    folder: Path, writable: Path
) -> None:
    with closing(sqlite3.connect(folder / NAME)) as bot:
        bot.execute("UPDATE requests SET reason = 'Whitsun'")
        bot.commit()
        kept = {path: path.read_bytes() for path in folder.iterdir()}
    for path, content in kept.items():
        if not path.name.endswith("-shm"):
            path.write_bytes(content)
            path.chmod(0o444)
    done = look(of(folder), *VERIFY, warm_up=writable)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("DATABASE_URL: the last changes of ")
    assert done.stderr.endswith("Copy both files to another folder, and set DATABASE_URL to the copy.\n")


def test_nothing_is_changed_in_a_copy_that_can_only_be_read(folder: Path, writable: Path) -> None:
    before = contents(folder)
    done = look(of(folder), "requests", "cancel", "1", "--reason", "x", warm_up=writable)
    assert (done.returncode, done.stdout) == (2, "")
    assert "needs write access to the file and to its folder" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert contents(folder) == before


async def looked_at(url: str) -> None:
    """Verified, listed and exported, as the commands do it."""
    faults, _ = await verify(url)
    assert faults[0] == "The chain is intact, but the tables do not match it:"
    listed = io.StringIO()
    assert await print_requests(url, listed, "csv")
    assert "Easter" in listed.getvalue()
    out = io.StringIO()
    await export(url, out, csv=True, days=(None, None), subuser=None)
    assert out.getvalue().startswith('"id","at"')


@pytest.fixture
def on_server(postgres: PostgresServer) -> Iterator[str]:
    """The name of a database with one request."""
    name = postgres.create_migrated()
    with psycopg.connect(postgres.url(name)) as connection:
        connection.execute(REQUEST)
    yield name
    postgres.drop(name)


async def test_a_hot_standby_can_be_looked_at(postgres: PostgresServer, on_server: str) -> None:
    standby = await asyncio.to_thread(Standby, postgres)
    try:
        await looked_at(standby.driver_url(on_server))
    finally:
        await asyncio.to_thread(standby.close)


async def test_a_server_can_be_looked_at_by_who_may_only_read(
    postgres: PostgresServer, on_server: str
) -> None:
    with psycopg.connect(postgres.url(on_server)) as connection:
        connection.execute("CREATE ROLE auditor LOGIN")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO auditor")
    try:
        await looked_at(postgres.driver_url(on_server).replace("postgres@", "auditor@"))
    finally:
        with psycopg.connect(postgres.url(on_server)) as connection:
            connection.execute("DROP OWNED BY auditor; DROP ROLE auditor")
