"""Slack, SendGrid, the bot as a process of its own, and the page: everything but the browser."""

import itertools
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from creditbot.sandbox.bot import environment
from creditbot.sandbox.demo import CAST
from creditbot.sandbox.page import PageServer
from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser
from creditbot.sandbox.slack import SlackSandbox
from creditbot.sandbox.world import furnish_sendgrid, furnish_slack
from creditbot.slack.commands import USAGE
from tests.processes import Bot
from tests.sqlite import migrated


@dataclass
class Stage:
    slack: SlackSandbox
    sendgrid: SendGridSandbox
    bot: Bot
    page: PageServer
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def new_subuser(self, remain: int = 1200) -> str:
        """A subuser of a test's own, so that tests can share a stage."""
        name = f"customer-{next(self._numbers)}"
        self.sendgrid.account.add_subuser(Subuser(name, "nonrecurring", remain=remain, total=20000))
        return name


@asynccontextmanager
async def set_up(folder: Path, *, bot_late: bool = False) -> AsyncIterator[Stage]:
    """A stage on which nothing has happened yet, and no mail is sent; a late bot is left to the test."""
    async with SlackSandbox() as slack, SendGridSandbox() as sendgrid:
        furnish_slack(slack)
        furnish_sendgrid(sendgrid, date(2026, 11, 22))
        database = Path(shutil.copy(migrated(), folder))
        bot = Bot(environment(slack, sendgrid, folder) | {"SENDGRID_TIMEOUT": "1"}, folder)
        async with PageServer(slack, sendgrid, database=database, cast=CAST, usage=USAGE) as page:
            try:
                if not bot_late:
                    await bot.start()
                yield Stage(slack, sendgrid, bot, page)
            finally:
                await bot.stop()
