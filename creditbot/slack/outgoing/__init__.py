"""What is shown in Slack without anybody waiting: a module for each kind of message, or for several alike.

Each says what its message shows, for how long that is tried, and what follows if it can't be shown. A module
of this package that has `KINDS` declares some, by the names that they have in the outbox; nothing else has to
be told of them. All that is told of a request has one kind here, whatever the news.
"""

from collections.abc import Callable, Mapping
from typing import Any

from creditbot.jobs.outgoing import Kind
from creditbot.registry import declared, named
from creditbot.store.outbox import Outgoing

from . import daily, notices
from .tools import Tools

Build = Callable[[Tools], Kind[Any]]


def find() -> Mapping[str, Build]:
    """How each kind of message is built, by its name in the outbox."""
    modules: list[Mapping[str, Build]] = declared(__name__, __path__, "KINDS")
    return named(item for kinds in modules for item in kinds.items())


class Kinds:
    """Implements `creditbot.jobs.outgoing.Kinds`."""

    def __init__(self, tools: Tools) -> None:
        self._by_name = {name: build(tools) for name, build in find().items()}
        self._about_request = notices.Notices(tools)
        self._unknown = daily.InChannel(tools)

    def of(self, row: Outgoing) -> Kind[Any]:
        found = self._by_name.get(row.kind)
        if found is not None:
            return found
        return self._unknown if row.request_id is None else self._about_request


__all__ = ["Kinds", "Tools", "find"]
