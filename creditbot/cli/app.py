"""All commands, and the options that stand before them."""

from typing import Annotated

import typer

from .audit import audit_app
from .demo import demo
from .group import CommandGroup
from .migrate import migrate
from .policy import policy_app
from .processes import PROCESSES
from .requests import requests_app
from .terminal import fail

app = typer.Typer(
    cls=CommandGroup,
    help="Request, approve and record credit changes of SendGrid subusers, in Slack.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich takes longer to import than all else that help needs
)
for command in (*PROCESSES.values(), migrate, demo):
    app.command()(command)
app.add_typer(requests_app, name="requests")
app.add_typer(policy_app, name="policy")
app.add_typer(audit_app, name="audit")


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
