"""What holds for all tests: the two forms, and where their files are."""

import gc
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from tests import extent

MEMORY = Path("/dev/shm")  # noqa: S108 - each file below it gets a folder of its own
ROOM = 1_000_000_000
"""Bytes that must be free there. A container may have less, and macOS has no such folder."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="the long form: whole tables, many rounds")
    parser.addoption("--payloads", type=int, help="how many broken payloads the fuzz tests send")
    parser.addoption(
        "--sample-seed", type=int, default=extent.SEED, help="decides what the short form takes of a table"
    )


def pytest_configure(config: pytest.Config) -> None:
    extent.choose(
        long=config.getoption("--long"),
        seed=config.getoption("--sample-seed"),
        payloads=config.getoption("--payloads"),
    )
    settings.register_profile("ours", deadline=None, max_examples=extent.short_or_long(30, 100))
    settings.load_profile("ours")
    # A killed process loses as much in memory as on a disk: nothing. But a disk makes each commit wait.
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        tempfile.tempdir = str(MEMORY)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits long while others work must not be begun when there is nothing else left to do."""
    items.sort(key=lambda item: item.get_closest_marker("lasts") is None)


def pytest_collection() -> None:
    """What is collected stays to the end: to look for garbage in it takes each process two seconds."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_report_header(config: pytest.Config) -> str:
    if extent.long_form():
        return "long form"
    return f"short form, samples of seed {config.getoption('--sample-seed')}; --long has the whole tables"
