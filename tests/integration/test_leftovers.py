"""A restored file beside the log of the one that it replaced: refused before SQLite mixes the two."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from creditbot.cli.environment import existing_database
from creditbot.domain.errors import UnfitDatabase
from creditbot.migrate import migrate
from creditbot.startup.database import prepare_database
from creditbot.store.leftovers import check_log
from tests.sqlite import migrated

from .adapters import database_url

Use = Callable[[str], object]

DELIVERY = "INSERT INTO deliveries (id, at) VALUES (?, 0)"


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """What is left of a process that was killed an hour ago: its file, what it wrote last, and the index.

    Beside them lies a backup from before.
    """
    there = tmp_path / "there"
    there.mkdir()
    path = Path(shutil.copy(migrated(), there / "creditbot.db"))
    backup = tmp_path / "backup.db"
    with closing(sqlite3.connect(path)) as connection, closing(sqlite3.connect(backup)) as copy:
        for number in range(3):
            connection.execute(DELIVERY, (f"before {number}",))
        connection.commit()
        connection.backup(copy)
        for number in range(200):
            connection.execute(DELIVERY, (f"after {number}" * 20,))
            connection.commit()
        shutil.copytree(there, tmp_path / "left")
    for name, age in (("creditbot.db", 3610), ("creditbot.db-wal", 3600), ("creditbot.db-shm", 3600)):
        grow_old(tmp_path / "left" / name, age)
    return tmp_path / "left" / "creditbot.db"


def grow_old(path: Path, seconds: float) -> None:
    at = path.stat().st_mtime - seconds
    os.utime(path, (at, at))


def deliveries(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM deliveries").fetchone()[0])


def restore(killed: Path) -> str:
    shutil.copyfile(killed.parent.parent / "backup.db", killed)
    return database_url(killed)


def test_sqlite_itself_would_leave_the_backup_without_effect_or_break_it(killed: Path) -> None:
    restore(killed)
    try:
        assert deliveries(killed) != 3
    except sqlite3.DatabaseError as error:
        assert "malformed" in str(error)  # noqa: PT017 - it is one or the other


@pytest.mark.parametrize(
    "use",
    [
        check_log,
        existing_database,
        migrate,
        lambda url: asyncio.run(prepare_database(url)),
    ],
)
def test_a_restored_file_beside_its_predecessors_log_is_not_opened(killed: Path, use: Use) -> None:
    url = restore(killed)
    before = {path.name: path.read_bytes() for path in killed.parent.iterdir()}

    with pytest.raises(UnfitDatabase) as caught:
        use(url)

    assert {path.name: path.read_bytes() for path in killed.parent.iterdir()} == before
    assert "delete creditbot.db-wal and creditbot.db-shm, and try again" in str(caught.value)
    for end in ("-wal", "-shm"):
        killed.with_name(f"creditbot.db{end}").unlink()
    use(url)
    assert deliveries(killed) == 3


def test_without_the_index_it_is_told_by_its_times_alone(killed: Path) -> None:
    url = restore(killed)
    killed.with_name("creditbot.db-shm").unlink()
    with pytest.raises(UnfitDatabase):
        check_log(url)


def test_what_a_killed_process_left_is_gone_on_with(killed: Path) -> None:
    check_log(database_url(killed))
    assert deliveries(killed) == 203


def test_a_file_that_was_only_touched_keeps_what_is_in_its_log_if_that_is_touched_as_well(
    killed: Path,
) -> None:
    killed.touch()
    url = database_url(killed)
    with pytest.raises(UnfitDatabase, match=f"run `touch {killed}-wal`"):
        check_log(url)
    killed.with_name("creditbot.db-wal").touch()
    check_log(url)
    assert deliveries(killed) == 203


def test_a_log_that_the_file_has_in_whole_may_be_older(killed: Path) -> None:
    beside = killed.parent.parent / "there" / "creditbot.db"
    with closing(sqlite3.connect(killed)) as connection:
        connection.execute("PRAGMA wal_checkpoint(FULL)")
        for path in killed.parent.iterdir():
            shutil.copyfile(path, beside.with_name(path.name))
    grow_old(beside.with_name("creditbot.db-wal"), 3600)
    check_log(database_url(beside))
    assert deliveries(beside) == 203


@pytest.mark.parametrize("log", [b"", b"\x37\x7f\x06\x82", b"nonsense" * 100])
def test_what_is_no_log_is_left_to_sqlite(tmp_path: Path, log: bytes) -> None:
    path = Path(shutil.copy(migrated(), tmp_path / "creditbot.db"))
    path.with_name("creditbot.db-wal").write_bytes(log)
    grow_old(path.with_name("creditbot.db-wal"), 3600)
    check_log(database_url(path))
    assert deliveries(path) == 0
