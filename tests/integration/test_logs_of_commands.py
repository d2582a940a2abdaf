"""What a command logs goes to standard error, without secrets; on standard output is what was asked for."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import structlog

from creditbot.cli.app import app
from creditbot.domain.errors import UnknownRequest
from tests.sqlite import migrated

from .adapters import database_url

SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-made-up-token",
    "SLACK_SIGNING_SECRET": "made-up-signing-secret",
    "SLACK_APP_TOKEN": "xapp-made-up-token",
    "SENDGRID_API_KEY": "SG.made-up-key",
}


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    "command",
    [
        "migrate",
        "requests list",
        "requests list --format json",
        "requests settle 1 --applied --reason x",
        "policy check --offline",
        "policy explain --offline --as U0ANN add acme 5",
        "audit verify",
        "audit export",
    ],
)
def test_what_is_logged_during_a_command_goes_to_standard_error_without_secrets(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = Path(shutil.copy(migrated(), tmp_path))
    monkeypatch.chdir(tmp_path)
    for name, value in {**SECRETS, "DATABASE_URL": database_url(path)}.items():
        monkeypatch.setenv(name, value)

    with suppress(SystemExit, UnknownRequest):
        app(command.split())
    asked_for = capsys.readouterr().out
    structlog.get_logger("creditbot").error("a fault", said=list(SECRETS.values()))
    logging.getLogger("elsewhere").error("another of %s", SECRETS["SENDGRID_API_KEY"])

    found = capsys.readouterr()
    assert found.out == ""
    assert "a fault" in found.err
    assert "another of [redacted]" in found.err
    for secret in SECRETS.values():
        assert secret not in found.err + asked_for
