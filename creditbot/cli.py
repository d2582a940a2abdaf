"""The command line. Commands import what they need when they run, so that `--help` is quick."""

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TypeVar

import typer

from creditbot.usage import PlainUsage

if TYPE_CHECKING:
    from creditbot.config import DatabaseSettings, PolicySettings, Settings
    from creditbot.domain.policy import Policy
    from creditbot.domain.requests import CreditRequest, Status
    from creditbot.operations import Decisions
    from creditbot.store.lists import Wanted

    S = TypeVar("S", bound=DatabaseSettings)
    Deed = Callable[[Decisions, str], Awaitable[CreditRequest]]

app = typer.Typer(
    cls=PlainUsage,
    help="Request, approve and record credit changes of SendGrid subusers, in Slack.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
requests_app = typer.Typer(
    help="List requests, settle one that is in doubt, or cancel one that has not been sent.",
    no_args_is_help=True,
)
policy_app = typer.Typer(help="Check a policy before it takes effect.", no_args_is_help=True)
audit_app = typer.Typer(help="Verify and export the ledger.", no_args_is_help=True)
app.add_typer(requests_app, name="requests")
app.add_typer(policy_app, name="policy")
app.add_typer(audit_app, name="audit")

FAULTY_SETTINGS = 2

SAID_ANYWAY = "ERROR"
"""The level for commands whose report says in sentences what the log would warn of."""


def main() -> None:
    """The console script: the one place where an error becomes a line for the person at the terminal."""
    from creditbot.domain.errors import DomainError, NotTaken, UnfitDatabase
    from creditbot.domain.text import COMMAND, named, without_markup

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that has no sign for a character gets its number
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except DomainError as error:
        if isinstance(error, NotTaken) and isinstance(error.__cause__, database_errors()):
            unusable(error.__cause__)
        command = environ().get("CREDITBOT_COMMAND") or COMMAND
        code = FAULTY_SETTINGS if isinstance(error, UnfitDatabase) else 1
        fail(without_markup(named(error.sentence, command)), code=code)
    except database_errors() as error:
        unusable(error)


def fail(*lines: str, code: int = 1) -> NoReturn:
    for line in lines:
        typer.echo(line, err=True)
    raise SystemExit(code)


def write_utf8() -> None:
    """What programs read is in UTF-8, whatever the terminal has; half a character is written as JSON does."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


def environ() -> dict[str, str | None]:
    """The environment, and behind it a `.env` file in the present folder."""
    from dotenv import dotenv_values

    try:
        return {**dotenv_values(Path(".env")), **os.environ}
    except (OSError, UnicodeDecodeError):
        fail("The file .env can't be read: it must be a text file in UTF-8.", code=FAULTY_SETTINGS)


def settings_of(kind: "type[S]", log_level: str | None = None) -> "S":
    """Read the settings, and have all that is logged from here on go to standard error without secrets."""
    from creditbot import log
    from creditbot.config import ConfigError, unknown_names

    found = environ()
    strange = unknown_names(found)
    try:
        settings = kind.from_environ(found)
    except ConfigError as error:
        fail(*error.lines, *(f"warning: {sentence}" for sentence in strange), code=FAULTY_SETTINGS)
    log.configure(log_level or settings.log_level, settings.secrets())
    for sentence in strange:
        logging.getLogger(__name__).warning("%s", sentence)
    return settings


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end, on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:  # Windows has none
        asyncio.run(work)
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def _print_version(asked: bool) -> None:
    from importlib.metadata import PackageNotFoundError, version

    if not asked:
        return
    try:
        typer.echo(f"creditbot {version('creditbot')}")
    except PackageNotFoundError:
        fail("creditbot is not installed as a package, so its version is not known.")
    raise typer.Exit


@app.callback()
def whole_command_line(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    del version


@app.command()
def serve() -> None:
    """Run the whole bot in one process: Slack's events, over Socket Mode or HTTP, and the work."""
    from creditbot.config import Settings

    _start("serve", settings_of(Settings))


@app.command()
def web() -> None:
    """Receive Slack's events over HTTP; `creditbot worker` does the work. Run as many as you like."""
    from creditbot.config import WebSettings

    _start("web", settings_of(WebSettings))


@app.command()
def socket() -> None:
    """Receive Slack's events over Socket Mode; `creditbot worker` does the work. Run up to ten."""
    from creditbot.config import SocketSettings

    _start("socket", settings_of(SocketSettings))


@app.command()
def worker() -> None:
    """Do the work: call SendGrid, post cards and messages. Run as many as you like on PostgreSQL."""
    from creditbot.config import WorkerSettings

    _start("worker", settings_of(WorkerSettings))


def _start(role: str, settings: "Settings") -> None:
    """Run a process of this role until it is told to stop."""
    from creditbot import bootstrap
    from creditbot.config import ConfigError
    from creditbot.domain.errors import WrongLedgerKey
    from creditbot.service import CannotListen
    from creditbot.slack.connection import WrongToken

    async def service() -> None:
        await bootstrap.prepare_database(settings.database_url)
        await bootstrap.warn_of_missing_triggers(settings.database_url)
        await bootstrap.check_ledger_key(settings)
        await bootstrap.build(settings, bootstrap.Role(role)).run(settings.host, settings.port)
        await _leave_what_hangs()

    try:
        run(service())
    except ConfigError as error:
        fail(*error.lines, code=FAULTY_SETTINGS)
    except (CannotListen, WrongLedgerKey, WrongToken) as error:
        fail(str(error), code=FAULTY_SETTINGS)


async def _leave_what_hangs() -> None:
    """Everything is recorded and closed; what still waits for a silent database must not keep the process."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        _, hanging = await asyncio.wait(left, timeout=1)
        if hanging:
            logging.shutdown()
            os._exit(0)


@app.command()
def migrate() -> None:
    """Create the tables and triggers in the database, or update them; safe to repeat."""
    from creditbot.config import DatabaseSettings
    from creditbot.migrate import migrate as lay_tables
    from creditbot.store.tables import SCHEMA_VERSION

    settings = settings_of(DatabaseSettings)
    lay_tables(settings.database_url)
    typer.echo(f"The database is up to date (version {SCHEMA_VERSION}).")


@app.command()
def demo(
    *,
    once: Annotated[
        bool,
        typer.Option(
            "--once",
            help="Play the story of one request in the terminal, without a page; exit 0 if it comes true.",
        ),
    ] = False,
    story: Annotated[
        bool, typer.Option("--story", help="Play that story first, then keep the page up.")
    ] = False,
    keep: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            file_okay=False,
            help="Keep everything in this folder, and continue from it next time.",
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port of the page. Default: 8025, or a free one.")
    ] = None,
) -> None:
    """Try the bot in a browser, against a Slack and a SendGrid on this machine."""
    from creditbot.sandbox.demo import CannotKeep, PortTaken, show_page, tell_once
    from creditbot.slack.commands import USAGE

    if once and (story or keep is not None or port is not None):
        fail(
            "--once shows no page and keeps nothing: leave it out, or leave out --story, --keep and --port.",
            code=FAULTY_SETTINGS,
        )
    if once:
        raise SystemExit(asyncio.run(tell_once()))
    try:
        raise SystemExit(asyncio.run(show_page(usage=USAGE, port=port, keep=keep, story=story)))
    except (CannotKeep, PortTaken) as error:
        fail(str(error), code=FAULTY_SETTINGS)


By = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Your name, for the ledger. Default: your login name."),
]


@requests_app.command("list")
def list_requests(
    *,
    format_: Annotated[
        Literal["table", "json", "csv"], typer.Option("--format", help="Output format.")
    ] = "table",
    status: Annotated[
        list[str] | None,
        typer.Option(metavar="STATE", help="Only requests in this state, such as in_doubt. Can be repeated."),
    ] = None,
    subuser: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only requests for this subuser.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", help="Only requests made on or after this day (UTC), such as 2026-01-31."
        ),
    ] = None,
) -> None:
    """Print requests, oldest first.

    In a file or a pipe, the table has one line for each request, with tabs between the values.
    """
    import shutil

    from creditbot.listing import print_requests

    wanted = _wanted(status or [], subuser, since)
    url = existing_database(_database_url())
    width = None
    if format_ != "table":
        write_utf8()
    elif sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
    with _until_cut_off():
        found = asyncio.run(print_requests(url, sys.stdout, format_, wanted=wanted, width=width))
        if not found and format_ == "table":
            narrowed = status or subuser is not None or since is not None
            typer.echo("No requests match." if narrowed else "There are no requests yet.", err=True)


def _wanted(statuses: list[str], subuser: str | None, since: str | None) -> "Wanted":
    """What the options of `requests list` mean; a wrong one is said in a line."""
    from creditbot.days import day, midnight
    from creditbot.domain import fields
    from creditbot.domain.errors import DomainError
    from creditbot.domain.text import without_markup
    from creditbot.store.lists import Wanted

    try:
        return Wanted(
            statuses=frozenset(map(_status, statuses)),
            subuser=None if subuser is None else fields.subuser_name(subuser),
            since=None if since is None else midnight(day("--since", since)),
        )
    except DomainError as error:
        fail(f"--subuser: {without_markup(error.sentence)}", code=FAULTY_SETTINGS)
    except ValueError as error:
        fail(str(error), code=FAULTY_SETTINGS)


def _status(text: str) -> "Status":
    from creditbot.domain.requests import Status

    try:
        return Status(text.strip().lower().replace(" ", "_").replace("-", "_"))
    except ValueError:
        raise ValueError(
            f"--status is not a state of a request. The states are {', '.join(Status)}."
        ) from None


@contextmanager
def _until_cut_off() -> Iterator[None]:
    """Print until whoever reads has seen enough, such as `head`."""
    try:
        yield
    except BrokenPipeError:
        # Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@requests_app.command()
def settle(
    request_id: Annotated[
        int, typer.Argument(metavar="ID", min=1, max=2**31 - 1, help="ID of the request in doubt.")
    ],
    *,
    applied: Annotated[
        bool, typer.Option("--applied", help="SendGrid shows that the change was applied.")
    ] = False,
    not_applied: Annotated[
        bool, typer.Option("--not-applied", help="SendGrid shows that the change was not applied.")
    ] = False,
    reason: Annotated[str, typer.Option(help="How you know. The ledger keeps it.")],
    by: By = None,
) -> None:
    """Settle a request in doubt, after you have looked in SendGrid."""
    from creditbot.domain import fields

    if applied and not_applied:
        fail(
            "--applied and --not-applied contradict each other: leave one of them out.", code=FAULTY_SETTINGS
        )
    if not applied and not not_applied:
        fail("Say what you found in SendGrid: --applied or --not-applied.", code=FAULTY_SETTINGS)
    read_reason = fields.reason(reason, fields.HOW_YOU_KNOW)
    _decide(
        request_id,
        by,
        lambda decisions, who: decisions.settle(request_id, who, applied=applied, reason=read_reason),
        f"is settled as {'applied' if applied else 'not applied'}",
    )


@requests_app.command()
def cancel(
    request_id: Annotated[
        int,
        typer.Argument(metavar="ID", min=1, max=2**31 - 1, help="ID of a request that has not been sent."),
    ],
    *,
    reason: Annotated[str, typer.Option(help="Why. The people concerned are told, and the ledger keeps it.")],
    by: By = None,
) -> None:
    """Cancel a request that has not been sent, such as one in a restored backup that was sent earlier."""
    from creditbot.domain import fields

    read_reason = fields.reason(reason, fields.WHY_CANCELLED)
    _decide(
        request_id,
        by,
        lambda decisions, who: decisions.cancel(request_id, who, reason=read_reason),
        "is cancelled: nothing was sent",
    )


Offline = Annotated[bool, typer.Option("--offline", help="Look nothing up in Slack.")]


@policy_app.command("check")
def check_policy(*, offline: Offline = False) -> None:
    """Check the policy, and the people, groups and channels that it names.

    Exit 0 if there are no faults, or only warnings; 1 if there are faults; 2 if the file is missing or is not
    TOML, if it has an unknown key or a wrong value, or if a setting is wrong.
    """
    from creditbot import policy_report
    from creditbot.config import PolicySettings

    settings = settings_of(PolicySettings, log_level=SAID_ANYWAY)
    policy = _policy(settings)
    report = asyncio.run(policy_report.check(settings, policy, offline=offline))
    for sentence in [*report.unknown, *report.warnings]:
        typer.echo(f"warning: {sentence}")
    for sentence in report.faults:
        typer.echo(f"error: {sentence}")
    if report.faults:
        raise SystemExit(1)
    tiers = f"{len(policy.tiers)} tier" + ("" if len(policy.tiers) == 1 else "s")
    if report.unseen:
        *others, last = report.unseen
        unseen = f"{', '.join(others)} and {last}" if others else last
        typer.echo(f"The rules of the policy are valid; {unseen} were not looked up.")
        typer.echo(f"It has {tiers}, hash {policy.hash}")
        return
    typer.echo(f"The policy is valid: {tiers}, hash {policy.hash}")


@policy_app.command("explain")
def explain_policy(
    direction: Annotated[Literal["add", "remove"], typer.Argument(help="Whether to add or remove credits.")],
    subuser: Annotated[str, typer.Argument(metavar="SUBUSER")],
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="As in Slack: 5000, 5,000, 5k, 1.5m.")],
    *,
    actor: Annotated[
        str, typer.Option("--as", metavar="ID", help="The requester's user ID, such as U0123ABCD.")
    ],
    offline: Offline = False,
) -> None:
    """Show what would happen to a change, and which rule decides.

    Exit 0 if it would go to its approvers, as far as is known; 1 if it would be refused, if nobody could
    approve it, or if SUBUSER or AMOUNT can't be read; 2 if --as, the policy file or a setting is wrong.
    """
    from creditbot import policy_report
    from creditbot.config import PolicySettings
    from creditbot.domain import amounts, fields
    from creditbot.domain.explain import Change
    from creditbot.domain.text import without_markup
    from creditbot.domain.who import is_person

    if not is_person(actor):
        fail(
            "--as is not a user ID, which looks like U0123ABCD: in Slack, open the person's profile and "
            "choose Copy member ID.",
            code=FAULTY_SETTINGS,
        )
    settings = settings_of(PolicySettings, log_level=SAID_ANYWAY)
    policy = _policy(settings)
    credits_ = amounts.amount(amount)
    change = Change(actor, fields.subuser_name(subuser), credits_ if direction == "add" else -credits_)
    told = asyncio.run(policy_report.tell(settings, policy, change, offline=offline))
    for sentence in told.sentences:
        typer.echo(without_markup(sentence))
    raise SystemExit(0 if told.possible else 1)


def _policy(settings: "PolicySettings") -> "Policy":
    from creditbot.config import ConfigError
    from creditbot.policy_file import policy_of

    try:
        return policy_of(settings)
    except ConfigError as error:
        fail(*error.lines, code=FAULTY_SETTINGS)


@audit_app.command("verify")
def verify_ledger(
    *,
    head: Annotated[
        str | None,
        typer.Option(
            metavar="HASH", help="A head noted earlier, such as in a daily digest. It must be in the chain."
        ),
    ] = None,
) -> None:
    """Recompute the hash chain over all events and compare the tables with it; exit 1 if anything differs."""
    from creditbot.config import DatabaseSettings
    from creditbot.ledger.options import head_of
    from creditbot.ledger.verify import verify

    settings = settings_of(DatabaseSettings)
    url = existing_database(settings.database_url)
    try:
        head = None if head is None else head_of(head)
    except ValueError as error:
        fail(str(error), code=FAULTY_SETTINGS)
    faults, whole = asyncio.run(verify(url, head, settings.ledger_keys))
    if faults:
        fail(*faults)
    typer.echo(whole)


@audit_app.command("export")
def export_ledger(
    *,
    format_: Annotated[
        Literal["csv", "jsonl"], typer.Option("--format", help="Output format: CSV or JSON Lines.")
    ] = "csv",
    from_: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First day (UTC), such as 2026-01-31.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last day (UTC), included.")] = None,
    subuser: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only events about this subuser.")
    ] = None,
) -> None:
    """Print the ledger's events, oldest first."""
    from creditbot.ledger.export import export
    from creditbot.ledger.options import days_of

    try:
        days = days_of(from_, to)
    except ValueError as error:
        fail(str(error), code=FAULTY_SETTINGS)
    url = existing_database(_database_url())
    write_utf8()
    with _until_cut_off():
        asyncio.run(export(url, sys.stdout, csv=format_ == "csv", days=days, subuser=subuser))


def _database_url() -> str:
    from creditbot.config import DatabaseSettings

    return settings_of(DatabaseSettings).database_url


def _decide(request_id: int, by: str | None, act: "Deed", done: str) -> None:
    """Do what whoever runs creditbot says of a request, and say what was `done`."""
    from creditbot.domain import fields
    from creditbot.domain.errors import UnknownRequest
    from creditbot.domain.text import credits_

    name = fields.operator_name(login_name() if by is None else by)
    try:
        request = asyncio.run(_decided(name, act))
    except UnknownRequest:
        fail(
            f"There is no request {request_id}. `creditbot requests list` lists all requests with their IDs."
        )
    change = f"{credits_(request.allocation_update)} for {request.subuser}"
    typer.echo(f"Request {request_id} ({change}) {done}. Recorded as decided by {name}.")


def login_name() -> str:
    """Who sits at the terminal, as far as the system says; in a container it may know no names."""
    import getpass

    if through_sudo := os.environ.get("SUDO_USER", "").strip():
        return through_sudo
    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError):  # by version and platform: no variable, and no such account
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"


async def _decided(name: str, act: "Deed") -> "CreditRequest":
    from creditbot.config import DatabaseSettings
    from creditbot.domain.policy import Policy
    from creditbot.domain.secrecy import Secrets
    from creditbot.domain.text import operator
    from creditbot.domain.who import Roster, Who
    from creditbot.operations import Decisions
    from creditbot.store import identity
    from creditbot.store.clock import ServerClock
    from creditbot.store.database import Database
    from creditbot.store.engines import is_postgres

    async def nobody(who: Who | None = None) -> Roster:
        """The command line asks no Slack."""
        del who
        return Roster()

    settings = settings_of(DatabaseSettings)
    url = existing_database(settings.database_url)
    database = Database(url, keys=settings.ledger_keys)
    clock = ServerClock(database)
    secrets = Secrets.of(settings.secrets())
    decisions = Decisions(database, Policy(), nobody, "", clock, secrets=secrets)
    try:
        async with database.read() as connection:
            identity.check(await connection.run_sync(identity.version_of))
        if is_postgres(url):
            await clock.compare()
        secrets.check(name, "by")
        return await act(decisions, operator(name))
    finally:
        await database.close()


def existing_database(url: str) -> str:
    """Looking must not make an empty database where none was."""
    from sqlalchemy import make_url

    from creditbot.store.engines import is_postgres
    from creditbot.store.leftovers import check_log

    path = Path(make_url(url).database or "")
    if not is_postgres(url) and not path.is_file():
        fail(
            f"DATABASE_URL: there is no database at {path.absolute()}. Is this the folder where creditbot "
            "runs? Go there, or set DATABASE_URL to where the database is. If there is none yet, `creditbot "
            "migrate` creates one."
        )
    check_log(url)
    return url


def database_errors() -> tuple[type[Exception], ...]:
    import sqlite3

    from sqlalchemy.exc import SQLAlchemyError

    from creditbot.store.database import CommitUnclear

    found = (SQLAlchemyError, sqlite3.Error, CommitUnclear)
    try:
        import psycopg
    except ImportError:  # only there with PostgreSQL's extra
        return found
    return (*found, psycopg.Error)


def unusable(error: Exception) -> NoReturn:
    from creditbot.config import DatabaseSettings
    from creditbot.unusable import sentence

    # Whatever asked the database has read its settings without a fault.
    fail(sentence(DatabaseSettings.from_environ(environ()).database_url, error), code=FAULTY_SETTINGS)
