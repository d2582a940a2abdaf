"""Each way from Slack into the bot, for each role and each state, as signed HTTP and on a real database.

The pure rules and the operations are held to the same table in `test_rules.py` and `test_policies.py`. What
is left to go wrong lies in between: a handler that calls another operation, or none, or not with its check.
"""

from itertools import product
from pathlib import Path

import pytest
import structlog

from creditbot.bootstrap import Role as Process
from creditbot.bootstrap import build
from creditbot.domain.requests import Status
from creditbot.operations import refusals
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.sandbox.slack import SlackSandbox
from creditbot.slack.commands import USAGE
from creditbot.slack.switchboard import Switchboard
from creditbot.store.engines import is_postgres
from tests.authority import ROLES, allowed
from tests.extent import pairwise
from tests.ways_in import ACTING, ANYTHING, ON_CARDS, OTHERS_CARDS, WAYS, Card, Way, outcome

from .adapters import CHANNEL
from .conftest import on_sqlite
from .http_bot import opened, settings

TABLE = [
    (database, name, status, way)
    for database, name, status in product(("sqlite", "postgresql"), ROLES, Status)
    for way in (WAYS if status is Status.PENDING else ON_CARDS)
]

ALLOWED = {
    (status, way): (database, name, status, way)
    for database, name, status, way in TABLE
    if way.does is not None and allowed(name, status, way.does)
}
"""For each state, one who may go each way that leads anywhere from there."""

TAKEN = frozenset(pairwise(TABLE)) | frozenset(ALLOWED.values())
"""What is tried of the table; a way that leads to no request is tried in one state only."""

BUTTONS = {way.name for way in WAYS if way.kind == "button"}


@pytest.fixture(autouse=True)
def every_refusal_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One person does more here in a minute than is written down of anybody otherwise."""
    monkeypatch.setattr(refusals, "RECORDED", 10_000)


@pytest.mark.parametrize("name", ROLES)
async def test_what_comes_of_every_way_in(
    url: str, sandbox: SendGridSandbox, tmp_path: Path, name: str
) -> None:
    """What did something is delivered a second time, and then does nothing."""
    database = "postgresql" if is_postgres(url) else "sqlite"
    taken: dict[Status, list[Way]] = {}
    for status, way in product(Status, WAYS):
        if (database, name, status, way) in TAKEN:
            taken.setdefault(status, []).append(way)
    wrong: list[str] = []
    with structlog.testing.capture_logs() as logs:
        async with opened(url, sandbox, tmp_path, ROLES[name]) as bot:
            for status, ways in taken.items():
                assert await bot.prepare(status) <= BUTTONS
                for way in ways:
                    expected = outcome(way, name, status, CHANNEL)
                    seen = await bot.take(way)
                    if seen != expected:
                        wrong.append(f"{status}, {way}: expected {expected}, but saw {seen}")
                    if seen.changes:
                        again = await bot.same_again()
                        if (again.http, again.changes, again.events) != (200, (), ()):
                            wrong.append(f"{status}, {way}, delivered again: {again}")
                        await bot.prepare(status)
            await bot.assert_sound()
    assert not wrong, "\n".join(wrong)
    assert [entry for entry in logs if entry["log_level"] in {"error", "critical"}] == []
    assert [call for call in sandbox.calls if call.method != "GET"] == []


POWERFUL: tuple[str, ...] = ("approver whose word completes it", "requester who may approve in an emergency")
"""Between them they may do whatever may be done."""

MISTAKES: tuple[Card, ...] = (*OTHERS_CARDS, "outdated")

FROM_A_CARD = [way for way in ACTING if way.kind != "command"]

MISTAKEN = frozenset(
    pairwise(
        (database, name, status, way, card)
        for status in (Status.PENDING, Status.APPROVED, Status.IN_DOUBT, Status.FAILED)
        for card in (*(OTHERS_CARDS if status is Status.PENDING else OTHERS_CARDS[:1]), "outdated")
        for database, name, way in product(("sqlite", "postgresql"), POWERFUL, FROM_A_CARD)
    )
)
"""Likewise, where the card is not that of the request."""


@pytest.mark.parametrize("name", POWERFUL)
async def test_what_comes_of_every_way_in_from_a_card_that_does_not_show_the_request_as_it_is(
    url: str, sandbox: SendGridSandbox, tmp_path: Path, name: str
) -> None:
    """A card that is not the request's own is not drawn anew either: it may be another's, and right."""
    database = "postgresql" if is_postgres(url) else "sqlite"
    wrong: list[str] = []
    async with opened(url, sandbox, tmp_path, ROLES[name]) as bot:
        for status in Status:
            taken = [
                (way, card)
                for way, card in product(FROM_A_CARD, MISTAKES)
                if (database, name, status, way, card) in MISTAKEN
            ]
            if taken:
                await bot.prepare(status)
            for way, card in taken:
                expected, messages = outcome(way, name, status, CHANNEL, card), await bot.messages()
                seen = await bot.take(way, card)
                if seen != expected:
                    wrong.append(f"{status}, {way}, {card}: expected {expected}, but saw {seen}")
                if card in OTHERS_CARDS and await bot.messages() != messages:
                    wrong.append(f"{status}, {way}, {card}: a message is to be drawn anew")
                if seen.changes:
                    await bot.prepare(status)
        await bot.assert_sound()
    assert not wrong, "\n".join(wrong)


@on_sqlite
async def test_there_is_no_way_in_that_the_table_does_not_have(
    url: str, sandbox: SendGridSandbox, tmp_path: Path
) -> None:
    """A new button, form or command fails here until its row says who may use it, and when."""
    async with SlackSandbox() as slack:
        service = build(settings(url, slack, sandbox, tmp_path), Process.WEB)
        await service.close()
    assert service.web is not None
    assert service.web._slack is not None
    bolt = service.web._slack.app
    switchboard = bolt._async_middleware_list[0]
    assert isinstance(switchboard, Switchboard)
    # Nothing that Bolt can listen to besides was registered.
    assert bolt._async_listeners == []
    tables = {"button": switchboard.buttons, "form": switchboard.forms, "command": switchboard.commands}
    answered = {(kind, name) for kind, handlers in tables.items() for name in handlers}
    in_the_table = {(way.kind, way.name) for way in WAYS if way.kind != "command"}
    assert answered == {*in_the_table, ("command", "/credits"), ("command", ANYTHING)}
    assert {way.name for way in WAYS if way.kind == "command"} == {"", *USAGE}
