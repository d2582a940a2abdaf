"""What Slack does to the text that a person types after a slash command, with `should_escape: true`.

https://docs.slack.dev/interactivity/implementing-slash-commands#app_command_handling
"""

import html
import re
from collections.abc import Iterable

from .model import Channel, Person, UserGroup

COMMON_ENDINGS = frozenset(
    re.findall(
        r"\w+",
        """com org net edu gov mil int info biz io co ai app dev me tv cc us uk de fr es it nl be ch
        at se no fi dk pl cz pt ie eu ca au nz jp cn in br mx ru za kr sg xyz
        site online shop store tech cloud email""",
    )
)
"""Top-level domains that make a bare name a link; Slack knows all, these are the usual ones."""

TOKEN = re.compile(
    r"""
    (?P<mail>   [\w.+-]+@(?:[\w-]+\.)+[A-Za-z]{2,} )
  | (?P<url>    (?<!\w)https?://[^\s<>]*[^\s<>.,;:!?'")\]] )
  | (?P<domain> (?<![\w@.-])(?:[A-Za-z0-9](?:[\w-]*[A-Za-z0-9])?\.)+(?P<ending>[A-Za-z]{2,})
                (?:/[^\s<>]*[^\s<>.,;:!?'")\]])?(?![\w-]) )
  | (?P<at>     (?<![\w@])@(?P<who>\w[\w.-]*) )
  | (?P<hash>   (?<![\w\#])\#(?P<channel>[\w-]+) )
    """,
    re.VERBOSE,
)


class Directory:
    """The names that Slack recognises in what a person types."""

    def __init__(
        self, people: Iterable[Person], channels: Iterable[Channel], user_groups: Iterable[UserGroup]
    ) -> None:
        self._at = {name: f"<!{name}>" for name in ("here", "channel", "everyone")}
        self._at |= {group.handle: f"<!subteam^{group.id}|@{group.handle}>" for group in user_groups}
        self._at |= {person.name: f"<@{person.id}|{person.name}>" for person in people}
        self._hash = {
            channel.name: f"<#{channel.id}|{channel.name}>"
            for channel in channels
            if channel.with_person is None
        }

    def escape(self, typed: str) -> str:
        """The text that the bot receives for what a person typed."""
        pieces = []
        end = 0
        for found in TOKEN.finditer(typed):
            pieces += [html.escape(typed[end : found.start()], quote=False), self._token(found)]
            end = found.end()
        return "".join([*pieces, html.escape(typed[end:], quote=False)])

    def _token(self, found: re.Match[str]) -> str:
        raw = html.escape(found[0], quote=False)
        match found.lastgroup:
            case "mail":
                return f"<mailto:{raw}|{raw}>"
            case "url":
                return f"<{raw}>"
            case "domain" if found["ending"].lower() in COMMON_ENDINGS:
                return f"<http://{raw}|{raw}>"
            case "at":
                return self._mention(found["who"])
            case "hash":
                return self._hash.get(found["channel"], raw)
            case _:
                return raw

    def _mention(self, who: str) -> str:
        # A name may hold dots and hyphens, but a sentence may also end right after it.
        name = who if who in self._at else who.rstrip(".-")
        return self._at.get(name, f"@{name}") + who[len(name) :]
