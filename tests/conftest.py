"""The two forms of the tests."""

import pytest

from tests import extent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="the long form: whole tables, many rounds")
    parser.addoption(
        "--sample-seed", type=int, default=extent.SEED, help="decides what the short form takes of a table"
    )


def pytest_configure(config: pytest.Config) -> None:
    extent.choose(long=config.getoption("--long"), seed=config.getoption("--sample-seed"))


def pytest_report_header(config: pytest.Config) -> str:
    if extent.long_form():
        return "long form"
    return f"short form, samples of seed {config.getoption('--sample-seed')}; --long has the whole tables"
