"""Which of Procrastinate's own migrations a queue still needs."""

from importlib.metadata import version
from pathlib import Path

import procrastinate.schema
import pytest

from creditbot.runners.schema import Version, is_older, read, scripts_between

SCRIPTS = [
    Path(name)
    for name in (
        "00.00.00_01_initial.sql",
        "02.14.01_01_add_indexes.sql",
        "03.04.00_01_pre_add.sql",
        "03.04.00_50_post_add.sql",
        "03.10.00_01_pre_more.sql",
        "03.11.00_01_pre_future.sql",
    )
]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("procrastinate 3.10.0", (3, 10, 0)),
        ("3.10.0", (3, 10, 0)),
        ("03.04.00", (3, 4, 0)),
        ("procrastinate 3.2.1.post4", (3, 2, 1)),
        ("", ()),
    ],
)
def test_a_version_is_read_as_numbers(name: str, found: Version) -> None:
    assert read(name) == found


@pytest.mark.parametrize(
    ("laid", "wanted", "found"),
    [
        ((3, 4, 0), (3, 10, 0), SCRIPTS[4:5]),
        ((3, 3, 9), (3, 4, 0), SCRIPTS[2:4]),
        ((2, 14, 1), (3, 10, 0), SCRIPTS[2:5]),
        ((3, 9, 0), (3, 10, 2), SCRIPTS[4:5]),  # ten comes after nine
        ((3, 10, 0), (3, 10, 0), []),
        ((3, 10, 3), (3, 10, 4), []),
        ((3, 11, 0), (3, 10, 0), []),  # an older one was installed: nothing is taken back
    ],
)
def test_only_what_came_after_the_laid_version_is_run_in_its_order(
    laid: Version, wanted: Version, found: list[Path]
) -> None:
    assert scripts_between(SCRIPTS, laid, wanted) == found


def test_the_installed_release_names_its_scripts_as_we_read_them() -> None:
    scripts = sorted(Path(procrastinate.schema.SchemaManager.get_migrations_path()).glob("*.sql"))

    assert len(scripts_between(scripts, (3, 3, 0), read(version("procrastinate")))) >= 2
    assert all(len(read(script.name.partition("_")[0])) == 3 for script in scripts)


@pytest.mark.parametrize(
    ("comment", "older"),
    [
        ("procrastinate 3.3.0", True),
        (f"procrastinate {version('procrastinate')}", False),
        ("procrastinate 99.0.0", False),
        ("", False),
        (None, False),
    ],
)
def test_only_a_queue_that_says_an_older_version_needs_to_be_brought_up_to_date(
    comment: str | None, older: bool
) -> None:
    assert is_older(comment) == older
