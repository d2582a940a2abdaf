"""`make bench`: measure, show, and write docs/benchmarks.md."""

import asyncio
import sys
import time
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from tests import extent
from tests.processes import ROOT

from .figures import Figure, page, table
from .machine import this_machine
from .rows import ROWS, section_of
from .size import Size

PAGE = ROOT / "docs" / "benchmarks.md"

WIDTH = 160
"""Columns of the table where there is no terminal."""

QUIET = 1.5
"""The load average up to which figures are worth writing down."""


def main(
    row: Annotated[list[str] | None, typer.Argument(help=f"Which: {', '.join(ROWS)}. All if none.")] = None,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Less of everything: rough, in minutes.")] = False,
    commands: Annotated[int | None, typer.Option(help="How many the row about memory takes.")] = None,
    write: Annotated[bool, typer.Option(help="Write docs/benchmarks.md, if all rows ran.")] = True,
) -> None:
    """Measure the bot beside its goals. Goals that are not met are no failure: the figures say so."""
    machine, progress = this_machine(), Console(stderr=True)
    if unknown := set(row or ()) - ROWS.keys():
        raise typer.BadParameter(f"there is no {', '.join(sorted(unknown))}")
    sections: dict[str, list[Figure]] = {}
    for name in row or ROWS:
        progress.print(f"{name} …", end=" ")
        started = time.perf_counter()
        sections.setdefault(section_of(name), []).extend(measured(name, Size(quick, commands), progress))
        progress.print(f"{time.perf_counter() - started:.0f} s")
    Console(width=WIDTH if not sys.stdout.isatty() else None).print(table(sections, machine))
    if row or not write:
        return
    if machine.load > QUIET:
        progress.print(
            f"Others were at work (load {machine.load:.2f}), so docs/benchmarks.md stays as it is."
        )
        return
    PAGE.write_text(page(sections, machine, " ".join(["make bench", *_arguments(quick, commands)])))


def measured(name: str, size: Size, progress: Console) -> list[Figure]:
    """A row's figures; if it fails, that it did, so that the others are measured all the same."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(ROWS[name](size))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is shown
        progress.print_exception()
        what = (ROWS[name].__doc__ or name).splitlines()[0].rstrip(".")
        return [Figure.missing(f"{name}: {what}", error)]


def _arguments(quick: bool, commands: int | None) -> list[str]:
    given = ["--quick"] * quick + ([] if commands is None else [f"--commands {commands}"])
    return [f'ARGS="{" ".join(given)}"'] if given else []


if __name__ == "__main__":
    extent.choose(long=True)  # each process is started from nothing, as it is in earnest
    if sys.platform == "linux":
        app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
        app.command()(main)
        app()
    else:
        sys.exit("make bench reads what processes use as Linux tells it")
