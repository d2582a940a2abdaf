"""What the sandbox knows of the bot, which it must not import."""

import inspect

from creditbot import service
from creditbot.sandbox import bot
from creditbot.startup import self_check


def test_the_lines_that_it_waits_for_are_those_that_the_bot_logs() -> None:
    assert bot.UP.decode() in inspect.getsource(service)
    assert bot.LOOKED.decode() in inspect.getsource(self_check)
