"""`creditbot audit`: verify the ledger, or export it."""

import asyncio
import re
import sys
from typing import Annotated, Literal

import typer

from .environment import database_url, existing_database, settings_of
from .group import CommandGroup
from .terminal import FAULTY_SETTINGS, fail, until_cut_off, write_utf8

audit_app = typer.Typer(cls=CommandGroup, help="Verify and export the ledger.", no_args_is_help=True)


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
    from creditbot.ledger.verify import verify
    from creditbot.settings.environment import DatabaseSettings

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


def head_of(text: str) -> str:
    """A head as someone copied it, perhaps with blanks or the digest's backticks around it.

    Raises:
        ValueError: it is none; the text says what to write.
    """
    head = text.strip(" \t\r\n`'\"").lower()
    if re.fullmatch("[0-9a-f]{64}", head) is None:
        raise ValueError(
            "--head is not a head, which has 64 digits (0 to 9, a to f). Copy all of it from a daily "
            "digest, or from the output of `creditbot audit verify`."
        )
    return head


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
    from creditbot.cli.dates import days_of
    from creditbot.ledger.export import export

    try:
        days = days_of(from_, to)
    except ValueError as error:
        fail(str(error), code=FAULTY_SETTINGS)
    url = existing_database(database_url())
    write_utf8()
    with until_cut_off():
        asyncio.run(export(url, sys.stdout, csv=format_ == "csv", days=days, subuser=subuser))
