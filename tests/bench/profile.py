"""`make profile`: which functions take the processor's time of the bot's processes in a row of the table."""

import json
import os
import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tests import extent

from .__main__ import measured
from .profiled import TO
from .rows import ROWS
from .size import Size

LINES = 25

OURS = re.compile(r"creditbot\.(?!cli)")
"""Without what everything goes through."""


def main(
    row: Annotated[str, typer.Argument(help=f"Which: {', '.join(ROWS)}.")] = "balance",
    *,
    full: Annotated[bool, typer.Option("--full", help="As much as in `make bench`.")] = False,
) -> None:
    """Look again and again at what the bot is doing while a row is measured, and show the top of it."""
    if row not in ROWS:
        raise typer.BadParameter(f"there is no {row}")
    progress = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="creditbot-profile-") as folder:
        os.environ[TO] = folder
        measured(row, Size(quick=not full), progress)
        found = [json.loads(path.read_text()) for path in Path(folder).iterdir()]
    itself, in_all = (
        sum((Counter(each[kind]) for each in found), Counter()) for kind in ("itself", "in_all")
    )
    total = sum(itself.values())
    if not total:
        progress.print(f"In {row}, no process of the bot takes part that is measured.")
        return
    ours = Counter({name: seconds for name, seconds in in_all.items() if OURS.match(name)})
    for title, seconds in (("in itself", itself), ("ours, with all that it calls", ours)):
        print_top(title, seconds, total)


def print_top(title: str, seconds: Counter[str], total: float) -> None:
    typer.echo(f"\nOf {total:.1f} s of the processor, {title}:")
    for name, each in seconds.most_common(LINES):
        typer.echo(f"{each / total:6.1%}  {name}")


if __name__ == "__main__":
    extent.choose(long=True)
    app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    app.command()(main)
    app()
