"""`creditbot demo`: the main job, played against the real bot, and told as it happens."""

import asyncio
import signal
import tempfile
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from .bot import Bot, environment
from .sendgrid import SendGridSandbox
from .slack import SlackSandbox
from .story import Story, StoryBroke
from .world import furnish_sendgrid, furnish_slack


async def play(*, once: bool) -> int:
    """Start the sandbox and the bot, play the story, and stay up unless `once`; return the exit status."""
    console = Console(highlight=False, soft_wrap=True)
    with tempfile.TemporaryDirectory(prefix="creditbot-demo-") as name:
        folder = Path(name)
        async with SlackSandbox() as slack, SendGridSandbox() as sendgrid:
            furnish_slack(slack)
            furnish_sendgrid(sendgrid, date.today())  # noqa: DTZ011 - the day on this machine is meant
            bot = Bot(environment(slack, sendgrid, folder), folder)
            console.print(
                "[bold]creditbot demo[/]: a Slack and a SendGrid on this machine, and the real bot.\n"
            )
            try:
                await bot.start()
                status = await _tell(Story(console, slack, sendgrid, bot))
                if not once and status == 0:
                    await _stay_up(console, slack, sendgrid, bot)
            finally:
                await bot.stop()
    return status


async def _tell(story: Story) -> int:
    try:
        await story.tell()
    except (StoryBroke, AssertionError, LookupError, TimeoutError) as error:
        story.console.print(f"\n[bold red]The story did not come true:[/] {escape(str(error))}")
        story.console.print(escape(story.bot.log_file.read_text()[-2000:]))
        return 1
    return 0


async def _stay_up(console: Console, slack: SlackSandbox, sendgrid: SendGridSandbox, bot: Bot) -> None:
    console.print("\nEverything stays up for you to look at, until Ctrl+C:")
    console.print(f"  the bot          {bot.url}/readyz and {bot.url}/metrics")
    console.print(f"  Slack's Web API  {slack.api_url}")
    console.print(f"  SendGrid         {sendgrid.url}/v3/user/credits with the key {sendgrid.api_key}")
    console.print(f"  the SQL record   DATABASE_URL={bot.env['DATABASE_URL']} creditbot requests list")
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    console.print("Stopped.")
