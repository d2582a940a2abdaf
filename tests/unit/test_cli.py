"""Arguments of the command line that can't be meant are refused in a line, before anything is looked at."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from creditbot.cli import app

SETTLE = ("requests", "settle", "12", "--reason", "I looked")
LIST = ("requests", "list")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (SETTLE, "Say what you found in SendGrid: --applied or --not-applied."),
        ((*SETTLE, "--applied", "--not-applied"), "--applied and --not-applied can't both be so:"),
        ((*SETTLE, "--not-applied", "--applied"), "--applied and --not-applied can't both be so:"),
        ((*LIST, "--status", "open"), "--status is no state of a request. They are: pending, approved,"),
        ((*LIST, "--since", "yesterday"), "--since is not a date such as 2026-01-31."),
        ((*LIST, "--subuser", ""), "--subuser: Name the subuser, as SendGrid spells it, such as acme."),
    ],
)
def test_what_can_not_be_meant_is_refused_in_a_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(says)
