"""What messages are drawn with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from creditbot.domain.policy import Policy
from creditbot.domain.who import Directory
from creditbot.slack.permalinks import Permalinks


@dataclass(frozen=True, slots=True)
class Tools:
    policy: Policy
    directory: Directory
    links: Permalinks
    clock: Callable[[], datetime]
