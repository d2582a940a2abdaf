"""The console script: the one place where an error becomes a line for the person at the terminal."""

import sys
from io import TextIOWrapper

from .processes import PROCESSES
from .terminal import fail


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that has no sign for a character gets its number
            stream.reconfigure(errors="backslashreplace")
    try:
        _run(sys.argv[1:])
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:
        from .errors import explained

        if (found := explained(error)) is None:
            raise
        line, code = found
        fail(line, code=code)


def _run(arguments: list[str]) -> None:
    # A process takes no arguments: Typer would have nothing to read, and takes a twentieth of its start.
    match arguments:
        case [name] if name in PROCESSES:
            PROCESSES[name]()
        case _:
            from .app import app

            app()
