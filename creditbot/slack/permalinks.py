"""Links to messages, made from the workspace's address: chat.getPermalink would take a call for each."""

import re

from creditbot.domain.place import Place


def permalink(workspace_url: str, channel: str, ts: str) -> str:
    """https://team.slack.com/archives/C0123ABCD/p1700000000000100, as chat.getPermalink gives it.

    https://docs.slack.dev/reference/methods/chat.getPermalink
    """
    return f"{workspace_url.rstrip('/')}/archives/{channel}/p{ts.replace('.', '')}"


class Permalinks:
    """Links to cards, once auth.test has told the workspace's address; until then there are none."""

    def __init__(self, workspace_url: str | None = None) -> None:
        self._workspace_url = workspace_url

    @property
    def known(self) -> bool:
        """Whether the workspace's address is known."""
        return self._workspace_url is not None

    def learn(self, workspace_url: object) -> None:
        """Take the `url` of auth.test; what could not stand in a link is not taken."""
        if isinstance(workspace_url, str) and re.fullmatch(r"https?://[^\s<>|]+", workspace_url):
            self._workspace_url = workspace_url

    def to(self, place: Place | None) -> str | None:
        """The address of a card; None where it is not known, or not posted."""
        if self._workspace_url is None or place is None or place.ts is None:
            return None
        return permalink(self._workspace_url, place.channel, place.ts)
