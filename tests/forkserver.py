"""A Python that has imported all of creditbot, and from which each process of a test is forked.

To import everything takes a second of a core, and the tests start hundreds of processes. A fork is a process
like another: it has its own environment, folder and files, can be stopped and killed, and runs the same
`python -m creditbot …`. In their long form the tests start every process from nothing.

`python -m tests.forkserver PATH` listens at a Unix socket. Who connects sends what to run, with three open
files, and is told the process's ID, and once it has ended its exit status. The end of standard input ends the
server and all that runs.
"""

import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import Any, NamedTuple

PRELOADED = (
    "alembic.command",
    "alembic.autogenerate",
    "alembic.ddl.postgresql",
    "alembic.ddl.sqlite",
    "alembic.runtime.migration",
    "alembic.script",
    "creditbot.bootstrap",
    "creditbot.cli.dates",
    "creditbot.cli.errors",
    "creditbot.cli.listing",
    "creditbot.ledger.export",
    "creditbot.ledger.verify",
    "creditbot.migrate",
    "creditbot.cli.policy_report",
    "creditbot.runners.procrastinate",
    "creditbot.sandbox.demo",
    "psycopg_binary.pq",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
)


class Order(NamedTuple):
    """A process to be."""

    module: str
    arguments: list[str]
    env: dict[str, str]
    folder: str
    files: list[int]


def serve(path: str) -> Order | None:
    """Fork for whoever asks. Returns the order in each fork, and None in the server once it has ended."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started the server decides when it ends
    running: dict[int, socket.socket] = {}
    with selectors.DefaultSelector() as selector:
        for source in (listener, woken, sys.stdin):
            selector.register(source, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select()}
            if sys.stdin in ready:
                for pid in running:
                    os.kill(pid, signal.SIGKILL)
                return None
            if woken in ready:
                woken.recv(4096)
                _tell_ends(running)
            if listener in ready:
                connection, _ = listener.accept()
                order = _read(connection)
                pid = os.fork()
                if pid == 0:
                    for other in (listener, woken, wake, connection, *running.values()):
                        other.close()
                    return order
                for file in order.files:
                    os.close(file)
                running[pid] = connection
                _tell(connection, pid)


def _read(connection: socket.socket) -> Order:
    size, files, _, _ = socket.recv_fds(connection, 8, 3)
    data = b""
    while len(data) < int.from_bytes(size):
        data += connection.recv(65536)
    return Order(**json.loads(data), files=files)


def _tell_ends(running: dict[int, socket.socket]) -> None:
    for pid in list(running):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            connection = running.pop(pid)
            _tell(connection, os.waitstatus_to_exitcode(status))
            connection.close()


def _tell(connection: socket.socket, number: int) -> None:
    with suppress(OSError):  # nobody may wait for it any more
        connection.sendall(b"%d\n" % number)


def become(order: Order) -> None:
    """Run what was ordered, as `python -m` does."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for target, file in enumerate(order.files):
        os.dup2(file, target)
        os.close(file)
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.env)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # as the interpreter makes them at its start
            stream.reconfigure(encoding=order.env.get("PYTHONIOENCODING", "utf-8"))
    sys.argv = [order.module, *order.arguments]
    sys.path[0:1] = [order.folder, *filter(None, order.env.get("PYTHONPATH", "").split(os.pathsep))]
    runpy.run_module(order.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    for name in PRELOADED:
        importlib.import_module(name)
    gc.freeze()
    mine: Any = serve(sys.argv[1])
    if mine is not None:
        become(mine)
