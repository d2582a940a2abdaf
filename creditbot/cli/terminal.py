"""What commands say: lines at a terminal, and documents for programs."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import NoReturn

FAULTY_SETTINGS = 2


def fail(*lines: str, code: int = 1) -> NoReturn:
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201 - this is the terminal
    raise SystemExit(code)


def write_utf8() -> None:
    """What programs read is in UTF-8, whatever the terminal has; half a character is written as JSON does."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


@contextmanager
def until_cut_off() -> Iterator[None]:
    """Print until whoever reads has seen enough, such as `head`."""
    try:
        yield
    except BrokenPipeError:
        # Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
