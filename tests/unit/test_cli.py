"""What the command line makes of its arguments and surroundings, before it looks at anything."""

import subprocess
import sys
from pathlib import Path

import pytest

from creditbot import cli
from creditbot.cli import main
from creditbot.cli.environment import login_name

NAMES = ("SUDO_USER", "LOGNAME", "USER", "LNAME", "USERNAME")

SETTLE = ("requests", "settle", "12", "--reason", "I looked")
LIST = ("requests", "list")


@pytest.mark.parametrize(
    ("status", "arguments", "says"),
    [
        (2, SETTLE, "Say what you found in SendGrid: --applied or --not-applied."),
        (2, (*SETTLE, "--applied", "--not-applied"), "--applied and --not-applied contradict each other:"),
        (2, (*SETTLE, "--not-applied", "--applied"), "--applied and --not-applied contradict each other:"),
        (1, (*SETTLE, "--applied", "--by", " \u200b"), "Say who you are with --by NAME,"),
        (1, (*SETTLE, "--applied", "--by", "c" * 65), "Say who you are with --by NAME,"),
        (1, (*SETTLE, "--applied", "--by", "xoxb-1234567890"), "The name seems to contain a token,"),
        (
            2,
            (*LIST, "--status", "open"),
            "--status is not a state of a request. The states are pending, approved,",
        ),
        (2, (*LIST, "--since", "yesterday"), "--since is not a date such as 2026-01-31."),
        (
            2,
            (*LIST, "--subuser", ""),
            "--subuser: Enter the subuser's name as SendGrid spells it, such as acme.",
        ),
    ],
)
def test_what_can_not_be_meant_is_refused_in_a_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: int,
    arguments: tuple[str, ...],
    says: str,
) -> None:
    monkeypatch.setattr("sys.argv", ["creditbot", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    assert (ended.value.code, out, len(err.splitlines())) == (status, "", 1)
    assert err.startswith(says)


def test_whoever_is_logged_in_is_known_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOGNAME", "creditbot")
    assert login_name() == "creditbot"
    monkeypatch.setenv("SUDO_USER", "carol")
    assert login_name() == "carol"


def test_where_the_system_knows_no_names_the_number_of_the_account_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a container that runs under a number of which its password file has nothing."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_000)
    assert login_name() == "uid 4000000000"


HEAVY = {
    "alembic",
    "aiohttp",
    "httpx",
    "procrastinate",
    "psycopg",
    "pydantic",
    "rich",
    "slack_bolt",
    "slack_sdk",
    "sqlalchemy",
    "structlog",
    "uvicorn",
}
ASKED_FOR_HELP = """
import sys
from creditbot import cli
from creditbot.cli import main
sys.argv = ["creditbot", *sys.argv[1:]]
try:
    main()
finally:
    print(*sorted(sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_imports_nothing_that_only_commands_need(arguments: list[str]) -> None:
    done = subprocess.run(  # noqa: S603 - this Python, and what is written here
        [sys.executable, "-c", ASKED_FOR_HELP, *arguments], capture_output=True, text=True, check=True
    )
    loaded = set(done.stderr.split())
    assert loaded.isdisjoint(HEAVY)
    assert {name for name in loaded if name.startswith("creditbot.")} <= {
        f"creditbot.{path.parent.name}.{path.stem}" for path in Path(cli.__file__).parent.glob("*.py")
    } | {"creditbot.cli"}


def test_help_tells_all_of_what_a_command_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["creditbot", "--help"])
    with pytest.raises(SystemExit):
        main()
    out, _ = capsys.readouterr()
    assert "Run as many as you like on PostgreSQL." in " ".join(out.split())
