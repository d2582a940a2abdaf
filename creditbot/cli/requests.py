"""`creditbot requests`: list them, settle one, or cancel one."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .environment import database_url, existing_database, login_name, settings_of
from .group import CommandGroup
from .terminal import FAULTY_SETTINGS, fail, until_cut_off, write_utf8

if TYPE_CHECKING:
    from creditbot.domain.requests import CreditRequest, Status
    from creditbot.operations import Decisions, Settlements
    from creditbot.store.lists import Wanted

    Decide = Callable[[Decisions, Settlements, str], Awaitable[CreditRequest]]

By = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Your name, for the ledger. Default: your login name."),
]
requests_app = typer.Typer(
    cls=CommandGroup,
    help="List requests, settle one that is in doubt, or cancel one that has not been sent.",
    no_args_is_help=True,
)


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

    from creditbot.cli.listing import print_requests

    wanted = _wanted(status or [], subuser, since)
    url = existing_database(database_url())
    width = None
    if format_ != "table":
        write_utf8()
    elif sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
    with until_cut_off():
        found = asyncio.run(print_requests(url, sys.stdout, format_, wanted=wanted, width=width))
        if not found and format_ == "table":
            narrowed = status or subuser is not None or since is not None
            typer.echo("No requests match." if narrowed else "There are no requests yet.", err=True)


def _wanted(statuses: list[str], subuser: str | None, since: str | None) -> "Wanted":
    """What the options of `requests list` mean; a wrong one is said in a line."""
    from creditbot.cli.dates import day, midnight
    from creditbot.domain import fields
    from creditbot.domain.errors import DomainError
    from creditbot.domain.markup import without_markup
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
        lambda _, settlements, who: settlements.settle(request_id, who, applied=applied, reason=read_reason),
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
        lambda decisions, _, who: decisions.cancel(request_id, who, reason=read_reason),
        "is cancelled: nothing was sent",
    )


def _decide(request_id: int, by: str | None, act: "Decide", done: str) -> None:
    """Do what whoever runs creditbot says of a request, and say what was `done`."""
    from creditbot.domain import fields
    from creditbot.domain.errors import UnknownRequest

    name = fields.operator_name(login_name() if by is None else by)
    try:
        request = asyncio.run(_decided(name, act))
    except UnknownRequest:
        fail(
            f"There is no request {request_id}. `creditbot requests list` lists all requests with their IDs."
        )
    typer.echo(f"Request {request_id} ({request.change}) {done}. Recorded as decided by {name}.")


async def _decided(name: str, act: "Decide") -> "CreditRequest":
    from creditbot.domain.operators import operator
    from creditbot.domain.policy import Policy
    from creditbot.domain.secrecy import Secrets
    from creditbot.domain.who import Roster, Who
    from creditbot.operations import Decider, Decisions, Settlements
    from creditbot.settings.environment import DatabaseSettings
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
    decider = Decider(database, Policy(), nobody, clock)
    decisions = Decisions(database, decider, Policy(), "", clock, secrets=secrets)
    settlements = Settlements(decider, Policy(), clock, secrets=secrets)
    try:
        async with database.read() as connection:
            identity.check(await connection.run_sync(identity.version_of))
        if is_postgres(url):
            await clock.compare()
        secrets.check(name, "by")
        return await act(decisions, settlements, operator(name))
    finally:
        await database.close()
