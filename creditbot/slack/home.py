"""The workspace in which creditbot is installed, as auth.test tells of it."""

from typing import Any

from creditbot.domain.who import Actor

from .payloads import Sender
from .permalinks import Permalinks


class Home:
    """Learnt once, at the start; as long as Slack has not told, payloads are taken at their word."""

    def __init__(self) -> None:
        self.links = Permalinks()
        self._teams: frozenset[str] = frozenset()

    @property
    def known(self) -> bool:
        return bool(self._teams) and self.links.known

    def learn(self, told: Any) -> None:
        """Take the answer of auth.test. https://docs.slack.dev/reference/methods/auth.test"""
        self.links.learn(told.get("url"))
        ids = (told.get("team_id"), told.get("enterprise_id"))
        self._teams |= {identifier for identifier in ids if isinstance(identifier, str) and identifier}

    def actor(self, sender: Sender) -> Actor:
        """Who did something, and whether they are of this workspace.

        On Enterprise Grid, Slack may name another workspace of the organisation as a person's own, and does
        not say in a payload whether it belongs to the same organisation: then it counts as another one.
        """
        here = self._teams or sender.installed_in
        if here is None or sender.team in here:
            return Actor(sender.user)
        return Actor(sender.user, elsewhere=sender.team or "unknown")
