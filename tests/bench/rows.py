"""All that is measured, in the order of the table."""

from collections.abc import Callable, Coroutine
from typing import Any

from . import requests, scale, speed, starting, storms
from .figures import Figure
from .size import Size

ROWS: dict[str, Callable[[Size], Coroutine[Any, Any, list[Figure]]]] = {
    "balance": speed.balance,
    "ack": speed.ack,
    "hung": storms.hung,
    "adds": storms.adds,
    "transactions": requests.transactions,
    "click": requests.click,
    "channel": storms.channel,
    "same": storms.same,
    "two-webs": requests.two_webs,
    "help": starting.help_,
    "start": starting.start,
    "scale": scale.scale,
}
