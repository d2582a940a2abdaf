"""A real PgBouncer in front of a server, where there is one on the machine."""

import os
import shutil
import subprocess
import time
from urllib.parse import quote

import pytest

from tests.postgres import PostgresServer, new_folder, system_user

PORT = 6432
"""Of a Unix socket in a folder of its own, so that it can be any."""

SETTINGS = """
[databases]
* = host={server} user=postgres

[pgbouncer]
listen_port = {port}
unix_socket_dir = {folder}
auth_type = any
pool_mode = {mode}
default_pool_size = 2
logfile = {folder}/log
"""


def executable() -> str:
    """Where a PgBouncer is."""
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/sbin")
    if found is None:
        why = "no pgbouncer found: apt-get install pgbouncer (Debian), or brew install pgbouncer"
        if os.environ.get("CI") or os.environ.get("CREDITBOT_REQUIRE_PGBOUNCER"):
            pytest.fail(why)
        pytest.skip(why)
    return found


class PgBouncer:
    """Its clients share two connections to the server."""

    def __init__(self, server: PostgresServer, mode: str) -> None:
        program = executable()
        self.folder = new_folder()
        settings = self.folder / "pgbouncer.ini"
        settings.write_text(SETTINGS.format(server=server.folder, port=PORT, folder=self.folder, mode=mode))
        self._process = subprocess.Popen(  # noqa: S603 - a program of the machine's, with our own words
            [program, "--quiet", settings],
            user=system_user(),  # it does not run as root either
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while not (self.folder / f".s.PGSQL.{PORT}").exists():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "it does not listen"
            time.sleep(0.02)

    def url(self, name: str) -> str:
        """The address of a database of the server, as DATABASE_URL has it."""
        return f"postgresql://postgres@/{quote(name)}?host={quote(str(self.folder))}&port={PORT}"

    def driver_url(self, name: str) -> str:
        return self.url(name).replace("postgresql://", "postgresql+psycopg://", 1)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self.folder)
