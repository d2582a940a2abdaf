"""What somebody types after `/credits`, read as the bot reads it."""

from typing import Any

from creditbot.slack import commands


def parse(text: str) -> Any:
    """What follows the command's name, as that command reads it."""
    return commands.parse(text)[1]
