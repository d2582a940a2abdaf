"""`creditbot demo`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from .terminal import FAULTY_SETTINGS, fail


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
