"""The kinds of messages, as one registry finds them."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from creditbot.domain.digest import DIGEST
from creditbot.domain.policy import Policy
from creditbot.domain.who import Roster, Who
from creditbot.jobs.outgoing import Kind
from creditbot.slack import outgoing
from creditbot.slack.outgoing import Kinds, Tools
from creditbot.slack.outgoing.card import Cards
from creditbot.slack.outgoing.daily import InChannel
from creditbot.slack.outgoing.notices import Notices
from creditbot.slack.permalinks import Permalinks
from creditbot.store.outbox import Outgoing
from creditbot.store.tables import CARD

SAMPLE = '''
"""A greeting, as a sample of a kind of message."""

from creditbot.jobs.outgoing import Found, Kind


class Greeting:
    async def draw(self):
        return {"text": "Hello"}


class Greetings(Kind[None]):
    def __init__(self, tools):
        pass

    async def look(self, connection, row, now):
        return Found(Greeting(), None)


KINDS = {"greeting": Greetings}
'''


async def nobody(who: Who | None = None) -> Roster:
    del who
    return Roster()


def kinds() -> Kinds:
    return Kinds(Tools(Policy(), nobody, Permalinks(), lambda: datetime(2026, 3, 2, tzinfo=UTC)))


def row(kind: str, request_id: int | None = None) -> Outgoing:
    return Outgoing(
        id=1,
        request_id=request_id,
        kind=kind,
        recipient="C1",
        content=None,
        ts=None,
        posts=0,
        shown_version=0,
        wanted_version=1,
        next_try_at=None,
        turn_at=None,
        tries=0,
        failing_since=None,
        given_up_at=None,
        moved_at=None,
    )


def test_a_module_with_kinds_is_all_that_a_new_kind_of_message_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "greeting.py").write_text(SAMPLE)
    monkeypatch.setattr(outgoing, "__path__", [*outgoing.__path__, str(tmp_path)])

    found = kinds().of(row("greeting"))

    assert type(found).__name__ == "Greetings"
    sys.modules.pop("creditbot.slack.outgoing.greeting")


def test_a_kind_that_does_not_say_what_it_shows_cannot_be_built() -> None:
    without_look = type("Silent", (Kind,), {})
    with pytest.raises(TypeError, match="look"):
        without_look()


def test_each_row_has_a_kind_whatever_is_in_it() -> None:
    of = kinds().of
    assert isinstance(of(row(CARD, 7)), Cards)
    assert isinstance(of(row("approved", 7)), Notices)
    assert isinstance(of(row("unknown-1", 7)), Notices)
    assert isinstance(of(row(DIGEST)), InChannel)
    assert isinstance(of(row("unknown-1")), InChannel)
