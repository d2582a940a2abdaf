"""The command line: settings, tables, and what a wheel carries."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import textwrap
import zipfile
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import pytest

from creditbot.domain.chain import GENESIS, KEYED, event_hash, fingerprint
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.sandbox.slack import SlackSandbox
from tests.processes import Bot, creditbot, creditbot_from_nothing

ROOT = Path(__file__).parent.parent.parent


def test_missing_settings_are_a_line_each_all_at_once(tmp_path: Path) -> None:
    done = creditbot("serve", env={}, cwd=tmp_path)
    assert done.returncode == 2
    assert [line.split()[0] for line in done.stderr.splitlines()] == [
        "CREDITBOT_APPROVALS_CHANNEL",
        "SENDGRID_API_KEY",
        "SLACK_APP_TOKEN",
        "SLACK_BOT_TOKEN",
    ]
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_the_readmes_settings_as_they_are_start_nothing(tmp_path: Path) -> None:
    block = (ROOT / "README.md").read_text().partition("**Write the settings**")[2].split("```")[1]
    (tmp_path / ".env").write_text(textwrap.dedent(block))
    done = creditbot("serve", env={}, cwd=tmp_path)
    assert done.returncode == 2
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == [
        "SENDGRID_API_KEY is still a placeholder",
        "SLACK_APP_TOKEN is still a placeholder",
        "SLACK_BOT_TOKEN is still a placeholder",
    ]


def test_a_misspelt_setting_is_warned_of_wherever_it_stands(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CREDITBOT_APPROVRES=U0123ABCD\n")
    done = creditbot("migrate", env={"CREDITBOT_POLICE": "x"}, cwd=tmp_path)
    assert done.returncode == 0
    first, second = done.stderr.splitlines()
    assert "CREDITBOT_APPROVRES is not a setting of creditbot" in first
    assert "Did you mean CREDITBOT_APPROVERS?" in first
    assert "Did you mean CREDITBOT_POLICY?" in second


def test_wrong_settings_are_a_line_each_without_their_values(tmp_path: Path) -> None:
    env = {
        "SLACK_BOT_TOKEN": "wrong-secret-1",
        "SLACK_APP_TOKEN": "wrong-secret-2",
        "SENDGRID_API_KEY": "SG.secret-3",
        "CREDITBOT_APPROVALS_CHANNEL": "#approvals",
        "CREDITBOT_APPROVERS": "bob",
        "DATABASE_URL": "mysql://x",
        "PORT": "80000",
    }
    done = creditbot("serve", env=env, cwd=tmp_path)
    assert done.returncode == 2
    assert [line.split()[0] for line in done.stderr.splitlines()] == sorted(env.keys() - {"SENDGRID_API_KEY"})
    assert "secret" not in done.stderr


@pytest.mark.parametrize("command", [("serve",), ("migrate",), ("audit", "verify"), ("requests", "list")])
def test_a_password_with_an_at_sign_is_not_shown_in_part(command: tuple[str, ...], tmp_path: Path) -> None:
    env = {
        "SLACK_BOT_TOKEN": "xoxb-made-up",
        "SLACK_SIGNING_SECRET": "made-up",
        "SENDGRID_API_KEY": "SG.made-up",
        "CREDITBOT_APPROVALS_CHANNEL": "C0123ABCD",
        "DATABASE_URL": "postgresql://bot:hunter2p@ss-rest@127.0.0.1/credits",
    }
    done = creditbot(*command, env=env, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("DATABASE_URL is wrong: it has more than one @;")
    assert len(done.stderr.splitlines()) == 1
    for part in ("hunter2p", "ss-rest"):
        assert part not in done.stderr + done.stdout


def test_settings_may_lie_in_a_file_beside(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATABASE_URL=sqlite:///beside.db\n")
    assert creditbot("migrate", env={}, cwd=tmp_path).returncode == 0
    assert (tmp_path / "beside.db").is_file()


async def test_a_token_that_slack_does_not_take_is_said_in_a_line(
    settings: dict[str, str], tmp_path: Path
) -> None:
    for name, value in (("SLACK_BOT_TOKEN", "xoxb-wrong"), ("SLACK_APP_TOKEN", "xapp-wrong")):
        done = await asyncio.to_thread(creditbot, "serve", env=settings | {name: value}, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1].startswith(f"{name} is wrong: Slack says invalid_auth.")
        assert "Traceback" not in done.stderr
        assert "Unclosed" not in done.stderr


async def test_a_port_that_is_taken_is_said_in_a_line(settings: dict[str, str], tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", int(settings["PORT"]))
    async with server:
        done = await asyncio.to_thread(creditbot, "serve", env=settings, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("PORT is wrong: creditbot can't listen")


async def test_a_host_that_is_not_this_machines_is_said_in_a_line(
    settings: dict[str, str], tmp_path: Path
) -> None:
    env = settings | {"HOST": "not a host"}
    done = await asyncio.to_thread(creditbot, "serve", env=env, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("HOST is wrong: creditbot can't listen on not a host:")


async def test_a_start_tells_of_triggers_that_were_taken_away(
    settings: dict[str, str], tmp_path: Path
) -> None:
    assert creditbot("migrate", env=settings, cwd=tmp_path).returncode == 0
    with sqlite3.connect(settings["DATABASE_URL"].removeprefix("sqlite:///")) as connection:
        connection.execute("DROP TRIGGER events_refuse_update")
    connection.close()
    env = settings | {"SLACK_BOT_TOKEN": "xoxb-wrong"}  # it ends by itself
    done = await asyncio.to_thread(creditbot, "worker", env=env, cwd=tmp_path)
    [line] = [line for line in done.stderr.splitlines() if "events_refuse_update" in line]
    assert "`creditbot migrate`" in line


async def test_a_slack_that_is_away_does_not_keep_it_from_starting(
    slack: SlackSandbox, sendgrid: SendGridSandbox, settings: dict[str, str], tmp_path: Path
) -> None:
    del settings["SLACK_APP_TOKEN"]
    slack.faults.down = True
    bot = Bot(settings, tmp_path)
    await bot.start()
    assert await bot.stop() == 0


def test_requests_need_a_database_that_is_there(tmp_path: Path) -> None:
    done = creditbot("requests", "list", env={}, cwd=tmp_path)
    assert done.returncode == 1
    assert f"no database at {tmp_path / 'creditbot.db'}. Is this the folder" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["migrate", "worker"])
def test_a_database_that_cannot_be_opened_is_said_in_the_same_line_by_all(
    tmp_path: Path, command: str
) -> None:
    env = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/nowhere/creditbot.db",
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SENDGRID_API_KEY": "SG.1",
        "CREDITBOT_APPROVALS_CHANNEL": "C1",
    }
    done = creditbot(command, env=env, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        f"DATABASE_URL: the database at {tmp_path}/nowhere/creditbot.db can't be used (unable to open "
        f"database file). Create the folder {tmp_path}/nowhere, or set DATABASE_URL to a file in another "
        "one.\n"
    )


def test_what_settles_nothing_says_what_to_type_in_a_terminal(tmp_path: Path) -> None:
    assert creditbot("migrate", env={}, cwd=tmp_path).returncode == 0
    settle = ("requests", "settle", "12", "--reason")
    undecided = creditbot(*settle, "I looked", env={}, cwd=tmp_path)
    unknown = creditbot(*settle, "I looked", "--applied", env={}, cwd=tmp_path)
    blank = creditbot(*settle, "  ", "--applied", env={}, cwd=tmp_path)

    assert (undecided.returncode, unknown.returncode, blank.returncode) == (2, 1, 1)
    assert undecided.stderr == "Say what you found in SendGrid: --applied or --not-applied.\n"
    assert unknown.stderr == (
        "There is no request 12. `creditbot requests list` lists all requests with their IDs.\n"
    )
    assert blank.stderr.startswith('Say how you know, in a few words, such as "The console shows 1,200"')


def fill(database: Path, *reasons: str) -> None:
    """A migrated database gets a request for each reason, the first of them failed."""
    rows = [("failed" if place == 0 else "pending", reason) for place, reason in enumerate(reasons)]
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executemany(
            "INSERT INTO requests (origin, subuser, subuser_key, allocation_update, reason, status, version, "
            "requested_by, requested_at, expires_at, approvals_needed) "
            "VALUES (hex(randomblob(8)), 'acme', 'acme', 5000, ?2, ?1, 1, 'U0ASK', 0, 4e12, 1)",
            rows,
        )


def test_requests_are_listed_in_each_format_and_nothing_else_is_printed(tmp_path: Path) -> None:
    env = {"DATABASE_URL": f"sqlite:///{tmp_path}/with space.db"}
    assert creditbot("migrate", env=env, cwd=tmp_path).returncode == 0

    def listed(*options: str) -> tuple[str, str]:
        done = creditbot("requests", "list", *options, env=env, cwd=tmp_path)
        assert done.returncode == 0
        return done.stdout, done.stderr

    assert listed("--format", "json") == ("[]\n", "")
    assert listed() == ("", "There are no requests yet.\n")
    fill(tmp_path / "with space.db", "first", "second")
    both = ("--status", "In doubt", "--status", "failed", "--subuser", "ACME", "--since", "1970-01-01")
    assert [request["id"] for request in json.loads(listed("--format", "json", *both)[0])] == [1]
    assert len(listed("--format", "csv")[0].splitlines()) == 3
    assert listed("--since", "1970-01-02") == ("", "No requests match.\n")


def test_whoever_decides_in_a_terminal_is_on_record_by_name(tmp_path: Path) -> None:
    env = {"DATABASE_URL": f"sqlite:///{tmp_path}/creditbot.db", "LOGNAME": "carol"}
    assert creditbot("migrate", env=env, cwd=tmp_path).returncode == 0
    fill(tmp_path / "creditbot.db", "failed", "second", "third")
    cancel = ("requests", "cancel", "--reason", "Was sent before")

    said = [
        creditbot(*cancel, *by, env=env, cwd=tmp_path).stdout for by in (("2",), ("3", "--by", "Dave of Ops"))
    ]

    assert said == [
        f"Request {number} (+5,000 credits for acme) is cancelled: nothing was sent. "
        f"Recorded as decided by {name}.\n"
        for number, name in ((2, "carol"), (3, "Dave of Ops"))
    ]
    with closing(sqlite3.connect(tmp_path / "creditbot.db")) as connection:
        actors = connection.execute("SELECT actor FROM events ORDER BY id").fetchall()
    assert actors == [("operator:carol",), ("operator:Dave of Ops",)]


def test_who_has_seen_enough_of_a_list_ends_it_quietly(tmp_path: Path) -> None:
    env = {"DATABASE_URL": f"sqlite:///{tmp_path}/creditbot.db"}
    assert creditbot("migrate", env=env, cwd=tmp_path).returncode == 0
    fill(tmp_path / "creditbot.db", *("x" * 500 for _ in range(2000)))
    with subprocess.Popen(
        [sys.executable, "-m", "creditbot", "requests", "list"],
        env={"PATH": os.environ["PATH"], **env},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"ID\t")
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_a_terminal_gets_a_table_with_whole_values_however_narrow_it_is(tmp_path: Path) -> None:
    env = {"DATABASE_URL": f"sqlite:///{tmp_path}/creditbot.db"}
    assert creditbot("migrate", env=env, cwd=tmp_path).returncode == 0
    fill(tmp_path / "creditbot.db", "a reason of " + "many words " * 20)
    ours, theirs = os.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        with os.fdopen(theirs, "wb", buffering=0) as terminal:
            subprocess.run(
                [sys.executable, "-m", "creditbot", "requests", "list"],
                env={"PATH": os.environ["PATH"], "TERM": "dumb", "COLUMNS": "40", **env},
                cwd=tmp_path,
                stdout=terminal,
                check=True,
                timeout=60,
            )
        shown = screen.read(65536).decode()
    assert "1970-01-01 00:00" in shown
    assert "\t" not in shown
    assert shown.count("many") == 20


@pytest.mark.parametrize("command", [("worker",), ("migrate",), ("audit", "verify"), ("requests", "list")])
def test_another_programs_database_is_said_in_a_line_and_not_touched(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    env = worker_settings(tmp_path)
    path = tmp_path / "creditbot.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, what TEXT)")
    before = path.read_bytes()
    done = creditbot(*command, env=env, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("DATABASE_URL: this is the database of another program")
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["creditbot.db"]


@pytest.mark.parametrize("command", [("worker",), ("audit", "verify"), ("requests", "list")])
def test_a_malformed_file_comes_with_advice(tmp_path: Path, command: tuple[str, ...]) -> None:
    env = worker_settings(tmp_path)
    assert creditbot("migrate", env=env, cwd=tmp_path).returncode == 0
    path = tmp_path / "creditbot.db"
    path.write_bytes(path.read_bytes()[:8192] + os.urandom(path.stat().st_size - 8192))
    done = creditbot(*command, env=env, cwd=tmp_path)
    assert done.returncode == 2
    line = done.stderr.splitlines()[-1]
    assert line.startswith(
        f"DATABASE_URL: the database at {path} can't be used (database disk image is malformed)."
    )
    assert "end in -wal and -shm" in line
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("head", ["", "`abc`"])
def test_what_is_no_head_raises_no_alarm(tmp_path: Path, head: str) -> None:
    env = {"DATABASE_URL": f"sqlite:///{tmp_path}/creditbot.db"}
    assert creditbot("migrate", env=env, cwd=tmp_path).returncode == 0
    done = creditbot("audit", "verify", "--head", head, env=env, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("--head is not a head, which has 64 digits")


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_an_export_is_in_utf_8_whatever_the_terminal_has(tmp_path: Path, format_: str) -> None:
    env = {"DATABASE_URL": f"sqlite:///{tmp_path}/creditbot.db", "PYTHONIOENCODING": "cp1252"}
    assert creditbot("migrate", env=env, cwd=tmp_path).returncode == 0
    with sqlite3.connect(tmp_path / "creditbot.db") as connection:
        connection.execute(
            "INSERT INTO events (id, at, kind, detail, previous_hash, hash) VALUES (1, 0, 'x', ?, 'a', 'b')",
            ('{"reason": "Black Friday 🚀 → now"}',),
        )
    connection.close()
    done = creditbot("audit", "export", "--format", format_, env=env, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Black Friday 🚀 → now" in done.stdout


def test_a_terminal_without_a_sign_for_a_character_gets_its_number(tmp_path: Path) -> None:
    env = {"DATABASE_URL": f"sqlite:///{tmp_path}/creditbot.db", "PYTHONIOENCODING": "ascii"}
    assert creditbot("migrate", env=env, cwd=tmp_path).returncode == 0
    with sqlite3.connect(tmp_path / "creditbot.db") as connection:
        connection.execute(
            "INSERT INTO requests (origin, subuser, allocation_update, reason, status, version, "
            "requested_by, requested_at, expires_at, approvals_needed) "
            "VALUES ('x', 'acme', 5, '🚀', 'failed', 3, 'U1', 0, 1, 1)"
        )
    connection.close()
    done = creditbot("requests", "list", env=env, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\U0001f680" in done.stdout
    assert "🚀" in creditbot("requests", "list", "--format", "json", env=env, cwd=tmp_path).stdout


def test_help_is_printed_without_settings(tmp_path: Path) -> None:
    done = creditbot("--help", env={}, cwd=tmp_path)
    assert done.returncode == 0
    for command in ("serve", "migrate", "demo", "requests", "audit"):
        assert command in done.stdout


@pytest.mark.parametrize("arguments", [("--help",), ("requests", "list"), ("serve",), ("nonsense",)])
def test_a_forked_process_says_what_one_says_that_starts_from_nothing(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    forked, started = (
        start(*arguments, env={"COLUMNS": "100"}, cwd=tmp_path)
        for start in (creditbot, creditbot_from_nothing)
    )
    assert (forked.returncode, forked.stdout, forked.stderr) == (
        started.returncode,
        started.stdout,
        started.stderr,
    )


def test_the_version_is_the_packages(tmp_path: Path) -> None:
    done = creditbot("--version", env={}, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"creditbot {version('creditbot')}\n")


def test_a_wheel_lays_its_tables_outside_the_checkout(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w"]
    subprocess.run([*build, str(tmp_path), str(ROOT)], check=True, timeout=120)  # noqa: S603 - fixed arguments
    [wheel] = tmp_path.glob("creditbot-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
        assert "creditbot/sandbox/page/static/index.html" in archive.namelist()
    env = {"PYTHONPATH": str(tmp_path / "installed"), "DATABASE_URL": f"sqlite:///{tmp_path}/wheel.db"}
    done = creditbot("migrate", env=env, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    where = subprocess.run(
        [sys.executable, "-c", "import creditbot.migrate as m; print(m.migrations())"],
        env={"PATH": os.environ["PATH"], **env},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.strip() == str(tmp_path / "installed" / "creditbot" / "_migrations")


@pytest.mark.lasts
@pytest.mark.parametrize("arguments", [("--once",)])
def test_the_demo_comes_true(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = creditbot("demo", *arguments, env={}, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for step in ("The request", "Self-approval is refused", "The approval", "The PATCH", "The record in SQL"):
        assert step in done.stdout
    assert 'PATCH /v3/subusers/acme/credits/remaining  {"allocation_update": 5000}' in done.stdout
    assert "Every step worked." in done.stdout
    assert "<http" not in done.stdout  # a link is told by its words


@pytest.mark.parametrize("number", ["0", "2147483648", "99999999999999999999"])
def test_a_number_that_no_request_can_have_is_refused_in_words(tmp_path: Path, number: str) -> None:
    env = {"DATABASE_URL": f"sqlite:///{tmp_path}/creditbot.db"}
    assert creditbot("migrate", env=env, cwd=tmp_path).returncode == 0

    done = creditbot("requests", "settle", number, "--applied", "--reason", "I looked", env=env, cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith("Usage: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("audit", "export", "--format", "xml"), "'--format': 'xml' is not one of 'csv', 'jsonl'."),
        (("requests", "settle", "first", "--applied", "--reason", "x"), "'ID': it must be a whole number."),
        (("requests", "settle", "0", "--applied", "--reason", "x"), "'ID': it must be 1 or more."),
        (("demo", "--port", "65536"), "'--port': it must be 65535 or less."),
    ],
)
def test_a_wrong_argument_is_refused_in_plain_words(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    done = creditbot(*arguments, env={"COLUMNS": "200"}, cwd=tmp_path)
    assert done.returncode == 2
    assert f"Invalid value for {says}" in done.stderr


def take_keys(path: Path, *keys: str) -> None:
    """Have an empty ledger name these keys, one after the other."""
    previous = GENESIS
    with closing(sqlite3.connect(path)) as connection, connection:
        for number, key in enumerate(keys, 1):
            detail = json.dumps({"key": fingerprint(key.encode())})
            event = {"id": number, "at": 0, "kind": KEYED, "detail": detail, "previous_hash": previous}
            nothing = dict.fromkeys(("request_id", "actor", "from_status", "to_status"))
            event["hash"] = previous = event_hash(previous, nothing | event, key.encode())
            connection.execute(
                "INSERT INTO events (id, at, kind, detail, previous_hash, hash) "
                "VALUES (:id, :at, :kind, :detail, :previous_hash, :hash)",
                event,
            )


def worker_settings(folder: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": f"sqlite:///{folder}/creditbot.db",
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SENDGRID_API_KEY": "SG.1",
        "CREDITBOT_APPROVALS_CHANNEL": "C1",
    }


def test_a_process_with_an_old_key_first_does_not_start_and_verify_says_what_to_change(
    tmp_path: Path,
) -> None:
    env = worker_settings(tmp_path)
    assert creditbot("migrate", env=env, cwd=tmp_path).returncode == 0
    old, new = "o" * 32, "n" * 32
    take_keys(tmp_path / "creditbot.db", old, new)
    swapped = env | {"CREDITBOT_LEDGER_KEY": f"{old},{new}"}

    started = creditbot("worker", env=swapped, cwd=tmp_path)
    verified = creditbot("audit", "verify", env=swapped, cwd=tmp_path)
    in_order = env | {"CREDITBOT_LEDGER_KEY": f"{new},{old}"}

    assert started.returncode == 2
    assert "put the newest key first" in started.stderr.splitlines()[-1]
    assert verified.returncode == 1
    assert "Put the newest key first" in verified.stderr
    assert creditbot("audit", "verify", env=in_order, cwd=tmp_path).returncode == 0


def test_a_process_without_the_ledgers_key_does_not_start_and_verify_asks_for_it(tmp_path: Path) -> None:
    env = worker_settings(tmp_path)
    assert creditbot("migrate", env=env, cwd=tmp_path).returncode == 0
    key = "k" * 32
    take_keys(tmp_path / "creditbot.db", key)

    started = creditbot("worker", env=env, cwd=tmp_path)
    without = creditbot("audit", "verify", env=env, cwd=tmp_path)
    with_it = creditbot("audit", "verify", env=env | {"CREDITBOT_LEDGER_KEY": key}, cwd=tmp_path)

    assert started.returncode == 2
    assert "must set CREDITBOT_LEDGER_KEY" in started.stderr.splitlines()[-1]
    assert without.returncode == 1
    assert "CREDITBOT_LEDGER_KEY is not set" in without.stderr
    assert with_it.returncode == 0, with_it.stderr
    assert "The hashes have a key from event 1 on." in with_it.stdout
