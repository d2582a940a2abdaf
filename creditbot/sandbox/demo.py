"""`creditbot demo`: the real bot between a Slack and a SendGrid on this machine, with a page to use it."""

import asyncio
import contextlib
import os
import shlex
import signal
import tempfile
import webbrowser
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from . import desktop
from .bot import Bot, environment
from .keeping import restore, save
from .page import Cast, PageServer
from .sendgrid import SendGridSandbox
from .slack import SlackSandbox
from .story import Story, StoryBroke
from .world import ALICE, APPROVALS, BOB, CAROL, GENERAL, MAILS_PER_SECOND, furnish_sendgrid, furnish_slack

CAST = Cast(
    requester=ALICE, approvers=(BOB, CAROL, ALICE), general=GENERAL, approvals=APPROVALS, subuser="acme"
)
USUAL_PORT = 8025
KEPT = "sandbox.json"
SAVE_SECONDS = 2.0
SENDGRID_TIMEOUT = "3"
"""A doubt should be settled while a person watches, so SendGrid gets less time than in earnest."""


class PortTaken(Exception):
    """Something else listens on the port that was asked for."""


class CannotKeep(Exception):
    """Nothing can be kept in the folder that was asked for."""


@dataclass
class Stage:
    """All that takes part, and where its files are."""

    console: Console
    slack: SlackSandbox
    sendgrid: SendGridSandbox
    bot: Bot
    folder: Path


async def tell_once() -> int:
    """Play the story to its end and return the exit status: 0 if all of it came true."""
    async with _stage(None) as stage:
        stage.console.print(
            "[bold]creditbot demo[/]: the real bot, with a simulated Slack and SendGrid on this machine.\n"
        )
        try:
            await stage.bot.start()
            return await _tell(stage)
        finally:
            await stage.bot.stop()


async def show_page(
    *, usage: Mapping[str, str], port: int | None = None, keep: Path | None = None, story: bool = False
) -> int:
    """Serve the page until Ctrl+C; return the exit status.

    `usage` has a line such as `/credits show ID` for each subcommand. Without `port` it is the usual one, or
    a free one. With `keep`, files stay in that folder and another run goes on with them; with `story`, the
    story is played first.
    """
    stop = _asked_to_stop()
    async with _stage(keep) as stage:
        stage.bot.env["SENDGRID_TIMEOUT"] = SENDGRID_TIMEOUT
        if not story:  # the story is told in whole numbers
            stage.sendgrid.account.burn_rates.update(MAILS_PER_SECOND)
        stage.sendgrid.start_burn()
        async with await _page(stage, usage, port) as page, _kept(stage, keep):
            _say_where(stage, page)
            if desktop.is_there(os.environ):
                await asyncio.to_thread(webbrowser.open, page.url)
            try:
                return await _run(stage, stop, story=story)
            finally:
                await stage.bot.stop()
                stage.console.print("Stopped.")


@contextlib.asynccontextmanager
async def _stage(keep: Path | None) -> AsyncIterator[Stage]:
    # Commands are printed to be copied: nothing in them is broken, or taken for an emoji's name.
    console = Console(highlight=False, soft_wrap=True, emoji=False)
    with _folder(keep) as folder:
        async with SlackSandbox() as slack, SendGridSandbox() as sendgrid:
            furnish_slack(slack)
            furnish_sendgrid(sendgrid, date.today())  # noqa: DTZ011 - the day on this machine is meant
            bot = Bot(environment(slack, sendgrid, folder), folder)
            yield Stage(console, slack, sendgrid, bot, folder)


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        try:
            keep.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=keep):
                pass
        except OSError as error:
            raise CannotKeep(
                f"Can't write to {keep} ({error.strerror}). Choose another folder with --keep."
            ) from error
        yield keep.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="creditbot-demo-") as name:
        yield Path(name)


@contextlib.asynccontextmanager
async def _kept(stage: Stage, keep: Path | None) -> AsyncIterator[None]:
    """Bring back what an earlier run kept, and keep this one."""
    if keep is None:
        yield
        return
    file = stage.folder / KEPT
    restore(file, stage.slack, stage.sendgrid)

    async def save_often() -> None:
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            save(file, stage.slack, stage.sendgrid)

    saving = asyncio.create_task(save_often())
    try:
        yield
    finally:
        saving.cancel()
        save(file, stage.slack, stage.sendgrid)


async def _page(stage: Stage, usage: Mapping[str, str], port: int | None) -> PageServer:
    """The page's server, which listens: on the port that was asked for, or on one that is free."""

    def on(port: int) -> PageServer:
        database = stage.folder / "creditbot.db"
        return PageServer(stage.slack, stage.sendgrid, database=database, cast=CAST, usage=usage, port=port)

    page = on(USUAL_PORT if port is None else port)
    try:
        await page.start()
    except OSError as error:
        if port is not None:
            raise PortTaken(f"Port {port} is already in use. Choose another one with --port.") from error
        page = on(0)
        await page.start()
    return page


def _say_where(stage: Stage, page: PageServer) -> None:
    say = stage.console.print
    say("[bold]creditbot demo[/]: the real bot, with a simulated Slack and SendGrid on this machine.\n")
    say(f"  Open  [bold cyan]{page.url}[/]\n")
    say(f"  list the requests   {escape(stage.bot.in_a_shell('requests', 'list'))}")
    say(f"  verify the ledger   {escape(stage.bot.in_a_shell('audit', 'verify'))}")
    say(f"  follow the log      {escape(shlex.join(['tail', '-F', str(stage.bot.log_file)]))}")
    say("\nPress Ctrl+C to stop.")


async def _run(stage: Stage, stop: asyncio.Event, *, story: bool) -> int:
    """The bot's run beside the page; whoever ends it may do so before the bot is ready."""
    stopped = asyncio.create_task(stop.wait())
    playing = asyncio.create_task(_play(stage, story=story))
    await asyncio.wait({stopped, playing}, return_when=asyncio.FIRST_COMPLETED)
    if not playing.done():
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
    elif (status := playing.result()) != 0:
        stopped.cancel()
        return status
    await stopped
    return 0


async def _play(stage: Stage, *, story: bool) -> int:
    try:
        await stage.bot.start()
    except (RuntimeError, TimeoutError) as error:
        stage.console.print(f"\n[bold red]The bot did not start:[/] {escape(str(error))}")
        return 1
    return await _tell(stage) if story else 0


async def _tell(stage: Stage) -> int:
    story = Story(stage.console, stage.slack, stage.sendgrid, stage.bot)
    try:
        await story.tell()
    except (StoryBroke, AssertionError, LookupError, TimeoutError) as error:
        story.console.print(f"\n[bold red]A step of the demo failed:[/] {escape(str(error))}")
        story.console.print(escape(story.bot.log_file.read_text()[-2000:]))
        return 1
    return 0


def _asked_to_stop() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
