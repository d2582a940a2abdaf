"""One request, and a bot that takes signed HTTP, between a Slack and a SendGrid that listen here."""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from sqlalchemy import select

from creditbot.bootstrap import Role as Process
from creditbot.bootstrap import build
from creditbot.domain.changes import Change
from creditbot.domain.commands import Ask, OpenForm
from creditbot.domain.markup import without_markup
from creditbot.domain.questions import Question
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.shown import Shown, read, shown
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.sandbox.slack import Delivery, Message, Person, SlackSandbox, View
from creditbot.sandbox.slack.blocks import controls
from creditbot.service import Service
from creditbot.settings.environment import WebSettings
from creditbot.settings.policy_file import load
from creditbot.slack import forms
from creditbot.slack.cards.card import request_card
from creditbot.store import questions, tables
from creditbot.store.compare import compare
from creditbot.store.database import Database
from creditbot.store.recount import recount
from tests.authority import BACKUP, EMERGENCY, LISTED, POLICY, SECOND, Role
from tests.ways_in import ANYTHING, AS_RECORDED, ASKS, REASON, WORDS, Card, Outcome, Way, opens

from .adapters import CHANNEL, environ
from .database_changes import DatabaseChanges
from .in_process import InProcess
from .states import brought_to

_amounts = count(5)
"""Nobody asks for the same twice here."""

GENERAL, FINANCE = "C0GENERAL", "S0FINANCE"

POLICY_FILE = f"""
[who]
may_ask = "anyone"
may_see = "anyone"

[[tiers]]
name = "all"
approvers = ["{LISTED}", "{EMERGENCY}", "{FINANCE}"]
approvals = 3
including = ["{SECOND}"]

[reminders]
escalate_after = "2h"
escalate_to = ["{BACKUP}"]

[break_glass]
people = ["{EMERGENCY}"]
"""


def settings(url: str, slack: SlackSandbox, sendgrid: SendGridSandbox, folder: Path) -> WebSettings:
    """Those of a bot that holds to the policy of `tests/authority.py`."""
    path = folder / "policy.toml"
    path.write_text(POLICY_FILE)
    assert load(path) == POLICY
    return WebSettings.from_environ(environ(url, slack, sendgrid, CREDITBOT_POLICY=str(path)))


def furnish(slack: SlackSandbox, role: Role) -> None:
    """The people of the case, and the user group, unless it can't be read."""
    people = {role.actor, role.requester}
    for id_ in people:
        team = role.elsewhere if id_ == role.actor else None
        slack.workspace.add_person(Person(id_, id_.lower(), id_, team=team))
    slack.workspace.add_channel(GENERAL, "general", people)
    slack.workspace.add_channel(CHANNEL, "approvals", people)
    for group, members in role.roster.members.items():
        slack.workspace.add_user_group(group, "finance", members)


@asynccontextmanager
async def opened(url: str, sendgrid: SendGridSandbox, folder: Path, role: Role) -> AsyncIterator["HttpBot"]:
    """A bot of its own for one role."""
    # Slack's clock stands, so that no trigger grows too old, however slow the machine.
    now = time.time()
    async with SlackSandbox(clock=lambda: now) as slack:
        furnish(slack, role)
        service = build(settings(url, slack, sendgrid, folder), Process.WEB)
        assert service.web is not None
        slack._courier = InProcess(slack, service.web)
        await service.prepare()  # so that it knows which workspace this is
        database = Database(url)
        try:
            with DatabaseChanges(url) as changes:
                yield HttpBot(service, slack, database, changes, role)
        finally:
            await database.close()
            await service.close()


class HttpBot:
    """Somebody in one role, with the card of one request before them, who does whatever Slack lets in."""

    def __init__(
        self, service: Service, slack: SlackSandbox, database: Database, changes: DatabaseChanges, role: Role
    ) -> None:
        self._service = service
        self._slack = slack
        self._database = database
        self._changes = changes
        self._role = role
        self._request: CreditRequest
        self._card: Message
        self._delivered: Delivery

    async def prepare(self, status: Status) -> set[str]:
        """Put a new request in this state on the bot; return the buttons that its card shows."""
        now = datetime.now(UTC)
        self._request = await brought_to(self._database, status, self._role, now - self._role.later)
        card = request_card(self._request, POLICY, self._role.roster, now).payload()
        self._card = self._slack.workspace.post(CHANNEL, self._slack.bot_user_id, **card)
        self._changes.since_last_look(self._request.id)
        return {element["action_id"] for _, element in controls(self._card.blocks)}

    async def take(self, way: Way, card: Card = "its own") -> Outcome:
        """Use this way in, from such a card; return what came of it."""
        return await self._outcome(lambda: self._send(way, self._carried(card)))

    async def messages(self) -> list[tuple[object, ...]]:
        """Which messages show which version of which request, as the database has it."""
        async with self._database.read() as connection:
            return [
                tuple(row) for row in await connection.execute(select(tables.outbox).where(tables.IS_CARD))
            ]

    def _carried(self, card: Card) -> str:
        """What the buttons of such a card carry."""
        own = shown(self._request, POLICY, datetime.now(UTC))
        match card:
            case "another's":
                return str(replace(own, token=own.token[::-1]))
            case "a number":
                return str(own.request_id)
            case "none there":
                return str(replace(own, request_id=10**9))
            case "not one of ours":
                return "surprise"
            case "outdated":
                return str(replace(own, terms=own.terms[::-1]))
            case "its own":
                return str(own)

    async def same_again(self) -> Outcome:
        """Slack delivers what was taken last a second time, as it does when an ack is lost."""
        return await self._outcome(lambda: self._slack.deliver_again(self._delivered))

    async def assert_sound(self) -> None:
        """The whole chain of events recounts, and the tables are as it tells of them."""
        async with self._database.read() as connection:
            found, _ = await recount(connection)
            assert found.broken_at is None
            assert [difference async for difference in compare(connection)] == []

    async def _asked_back(self, way: Way) -> Question:
        """A question whether the same is meant once more, to whoever is at the bot or to another."""
        person = "U0ANOTHER" if way.given == "of another" else self._role.actor
        async with self._database.write() as transaction:
            question = await questions.put(
                transaction,
                Ask(Change("acme", next(_amounts)), REASON),
                origin=f"asked back {next(_amounts)}",
                person=person,
                same=self._request,
                at=datetime.now(UTC),
            )
        return replace(question, token="0" * 32) if way.given == "unknown" else question

    async def _send(self, way: Way, carried: str) -> Delivery:
        actor = self._role.actor
        if way.name == "ask_anyway":
            carried = (question := await self._asked_back(way)).token
        match way.kind:
            case "button":
                name = way.given if way.name == ANYTHING else way.name
                pages = {"page_on": "pending on 1 1", "page_back": "history back 0 1"}
                value = pages.get(name, carried)
                return await self._slack.click_raw(actor, message=self._card, action_id=name, value=value)
            case "form":
                if way.name == "ask_anyway":
                    form = forms.ask_anyway(question, "Once more?", json.dumps({"question": carried}))
                else:
                    form = self._form(way, carried)
                view = self._slack.workspace.open_modal(actor, form)
                values = {"subuser": "acme", "amount": str(next(_amounts)), "reason": REASON}
                asked = {block["block_id"] for block in view.view["blocks"]}
                return await self._slack.submit(
                    actor, view, {name: value for name, value in values.items() if name in asked}
                )
            case "command":
                given = dict.fromkeys(("show", "cancel"), str(self._request.id))
                given |= dict.fromkeys(ASKS, f"acme {next(_amounts)} {REASON}") | {"balance": "acme"}
                text = f"/credits {way.name} {given.get(way.name, '')}"
                return await self._slack.command(actor, text, channel=GENERAL)

    def _form(self, way: Way, carried: str) -> dict[str, object]:
        """A form as it was opened once, perhaps by another person, in another state, or from another card."""
        card = Shown(0)
        match way.name:
            case "ask":
                view = forms.ask(OpenForm(), "{}")
            case "settle":
                view = forms.settle(self._request, card, applied=way.given == "applied")
            case "break_glass":
                view = forms.break_glass(self._request, card)
            case _:
                view = forms.deny(self._request, card)
        found: dict[str, object] = view
        found["private_metadata"] = str(found["private_metadata"]).replace(str(card), carried)
        return found | ({"callback_id": way.given} if way.name == ANYTHING else {})

    async def _outcome(self, deliver: Callable[[], Awaitable[Delivery]]) -> Outcome:
        self._slack.workspace.close_all(self._role.actor)
        before = len(self._slack.workspace.messages)
        self._delivered = delivery = await deliver()
        await self._service.tasks.drain(10)
        news = self._changes.since_last_look(self._request.id)
        answer = self._answer(delivery, self._slack.workspace.messages[before:], news.said)
        return Outcome(delivery.status or 0, news.changes, news.events, answer)

    def _answer(self, delivery: Delivery, messages: list[Message], said: str | None) -> str:
        """What the person is shown: a form, or words, by themselves or in place of the form that was sent."""
        others = [message for message in messages if message.visible_to != self._role.actor]
        if others:
            return f"words for others: {[message.text for message in others]}"
        words = [message.text for message in messages]
        view = delivery.payload.get("view")
        if view is not None:
            words += _said_in_form(delivery, self._slack.workspace.views[view["id"]])
        elif self._slack.open_views(self._role.actor):
            [form] = self._slack.open_views(self._role.actor)
            words.append(form.view["callback_id"])
            return opens(self._name(form)) if len(words) == 1 else f"a form, and words: {words}"
        if not words:
            return "nothing"
        if len(words) > 1 or not words[0].strip():
            return f"not one answer: {words}"
        return AS_RECORDED if without_markup(words[0]) == said else WORDS

    def _name(self, form: View) -> str:
        """Its name, and what else it carries, if it is about the request at hand."""
        name, about = str(form.view["callback_id"]), str(form.view["private_metadata"])
        if name == "ask":
            return name
        card, _, given = about.partition(" ")
        return f"{name} {given}".strip() if read(card).is_of(self._request) else f"{name} about {about}"


def _said_in_form(delivery: Delivery, view: View) -> list[str]:
    """What the ack of a form has put into it."""
    if delivery.status == 200 and view.trouble is not None:
        return [f"Slack took no such answer: {view.trouble}"]
    match (delivery.body or {}).get("response_action"):
        case "errors":
            return list(view.errors.values())
        case "update":
            return [view.view["blocks"][0]["text"]["text"]]
    return []
