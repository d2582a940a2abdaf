"""Blocks that Slack is rolling out: where they are refused, the same is said plainer, once, by each way."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import structlog
from aiohttp import web
from slack_sdk.errors import SlackApiError

from creditbot.sandbox.slack import Person, SlackSandbox
from creditbot.slack.client import SlackClient
from creditbot.slack.forms import done
from creditbot.slack.message import Block, Message, context, home, section
from creditbot.slack.naming import Naming
from creditbot.slack.new_blocks import DAY, NewBlocks, without_new
from creditbot.slack.pictures import Picture, of_table
from creditbot.slack.responder import Responder
from creditbot.slack.tables import Column, Kind, Table, figure, named

ADA, CHANNEL = "U1", "C1"
TABLE = of_table(
    Table("Who is low", [Column("Subuser"), Column("Left", Kind.NUMBER)], [[named("acme"), figure(5)]])
)


def message(picture: Picture = TABLE) -> Message:
    above = section("See `/credits low`.")
    return Message(picture.words, [above, *picture.blocks], [above, *picture.plainer])


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Sender:
    """Sends a message by each way, and tells what was tried and what stands in the end."""

    slack: SlackSandbox
    client: SlackClient
    responder: Responder
    clock: Clock
    bodies: list[Any] = field(default_factory=list)

    async def post(self, sent: Message) -> None:
        await self.client.chat_postMessage(channel=CHANNEL, **sent.payload())

    async def update(self, sent: Message) -> None:
        old = self.slack.workspace.post(CHANNEL, self.slack.bot_user_id, text="old")
        await self.client.chat_update(channel=CHANNEL, ts=old.ts, **sent.payload())

    async def ephemeral(self, sent: Message) -> None:
        await self.client.chat_postEphemeral(channel=CHANNEL, user=ADA, **sent.payload())

    async def publish(self, blocks: Sequence[Block], plainer: Sequence[Block]) -> list[str]:
        """Publish a Home tab, and return the kinds of blocks that it shows."""
        await self.client.views_publish(user_id=ADA, view=home("home", blocks, plainer))
        shown = self.slack.home(ADA)
        assert shown
        assert "plainer" not in shown.view
        return [block["type"] for block in shown.view["blocks"]]

    async def respond(self, sent: Message) -> None:
        # Nobody is connected, so the command fails; its URL is as good as any.
        delivery = await self.slack.command(ADA, "/credits", channel=CHANNEL)
        self.slack.workspace.delete(self.slack.ephemerals(ADA)[-1])
        await self.responder.privately(
            sent, response_url=delivery.payload["response_url"], channel=CHANNEL, user=ADA
        )

    def stands(self) -> list[list[str]]:
        """The kinds of blocks of each message that anybody sees."""
        seen = [*self.slack.messages(CHANNEL), *self.slack.ephemerals(ADA), *self.slack.dm(ADA)]
        return [[block["type"] for block in one.blocks] for one in seen]


WAYS = {
    "chat.postMessage": Sender.post,
    "chat.update": Sender.update,
    "chat.postEphemeral": Sender.ephemeral,
    "response_url": Sender.respond,
}
NEW, PLAIN = ["section", "data_table"], ["section", "section", "section"]


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with SlackSandbox() as slack, aiohttp.ClientSession() as session:
        slack.workspace.add_person(Person(ADA, "ada", "Ada Lovelace"))
        slack.workspace.add_channel(CHANNEL, "general", [ADA])
        naming, clock = Naming("/sg"), Clock()
        new = NewBlocks(clock)
        client = SlackClient(
            naming, new, token=slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[]
        )
        yield Sender(slack, client, Responder(client, session, naming, new), clock)


@pytest.mark.parametrize("way", WAYS)
async def test_new_blocks_are_sent_as_they_are_where_they_are_taken(sender: Sender, way: str) -> None:
    await WAYS[way](sender, message())
    assert sender.stands() == [NEW]


@pytest.mark.parametrize("way", WAYS)
async def test_where_they_are_refused_the_same_is_said_plainer_and_once(sender: Sender, way: str) -> None:
    sender.slack.workspace.lacking = frozenset({"data_table"})
    with structlog.testing.capture_logs() as logs:
        await WAYS[way](sender, message())
    assert sender.stands() == [PLAIN]
    [seen] = [*sender.slack.messages(CHANNEL), *sender.slack.ephemerals(ADA)]
    assert "/sg low" in seen.plain()
    assert "acme" in seen.plain()
    assert [entry["blocks"] for entry in logs if "plainer" in entry["event"]] == [["data_table"]]


async def test_a_refusal_by_one_way_is_known_to_all_of_them_for_a_day(sender: Sender) -> None:
    sender.slack.workspace.lacking = frozenset({"data_table"})
    await sender.respond(message())
    before = len(sender.slack.calls)
    await sender.post(message())
    assert [call.answer["ok"] for call in sender.slack.calls[before:]] == [True]

    sender.clock.now += DAY
    await sender.post(message())
    assert [call.answer["ok"] for call in sender.slack.calls[before:]] == [True, False, True]
    assert sender.stands() == [PLAIN] * 3

    sender.slack.workspace.lacking = frozenset()
    sender.clock.now += DAY
    await sender.post(message())
    assert NEW in sender.stands()


async def test_a_home_tab_is_published_plainer_where_it_must_be(sender: Sender) -> None:
    sent = message()
    assert await sender.publish(sent.blocks, sent.plainer) == NEW
    sender.slack.workspace.lacking = frozenset({"data_table"})
    assert await sender.publish(sent.blocks, sent.plainer) == PLAIN
    assert [call.answer["ok"] for call in sender.slack.calls] == [True, False, True]
    await sender.post(sent)
    assert await sender.publish(sent.blocks, sent.plainer) == PLAIN
    assert await sender.publish([section("x")], ()) == ["section"]
    assert len([call for call in sender.slack.calls if not call.answer["ok"]]) == 1

    sender.clock.now += DAY
    sender.slack.faults.fail("views.publish", error="not_enabled")
    with pytest.raises(SlackApiError) as caught:
        await sender.publish(sent.blocks, sent.plainer)
    assert caught.value.response["error"] == "not_enabled"


async def test_a_refused_kind_says_nothing_of_another_one(sender: Sender) -> None:
    sender.slack.workspace.lacking = frozenset({"data_visualization"})
    chart = {
        "type": "data_visualization",
        "title": "Credits",
        "chart": {
            "type": "line",
            "series": [{"name": "acme", "data": [{"label": "1 Nov", "value": 5}]}],
            "axis_config": {"categories": ["1 Nov"]},
        },
    }
    both = Message("both", [*TABLE.blocks, chart], [section("plain")])
    await sender.post(both)
    await sender.post(message())
    await sender.post(both)
    assert sender.stands() == [["section"], NEW, ["section"]]
    assert len([call for call in sender.slack.calls if not call.answer["ok"]]) == 1


@pytest.mark.parametrize("way", ["chat.postMessage", "chat.update", "chat.postEphemeral"])
@pytest.mark.parametrize("error", ["msg_too_long", "ratelimited", "internal_error", "channel_not_found"])
async def test_another_refusal_is_none_of_the_blocks(sender: Sender, way: str, error: str) -> None:
    sender.slack.faults.fail(way, error=error)
    with pytest.raises(SlackApiError) as caught:
        await WAYS[way](sender, message())
    assert caught.value.response["error"] == error
    await WAYS[way](sender, message())
    assert NEW in sender.stands()


async def test_blocks_that_are_refused_plainer_too_are_a_fault_of_ours(sender: Sender) -> None:
    sender.slack.faults.fail("chat.postMessage", error="invalid_blocks", times=2)
    with pytest.raises(SlackApiError) as caught:
        await sender.post(message())
    assert caught.value.response["error"] == "invalid_blocks"
    await sender.post(message())
    assert sender.stands() == [NEW]


async def test_a_message_without_plainer_blocks_is_tried_once(sender: Sender) -> None:
    sender.slack.workspace.lacking = frozenset({"data_table"})
    for sent in (Message("x", TABLE.blocks), Message("x", [{"type": "marquee"}])):
        with pytest.raises(SlackApiError):
            await sender.post(sent)
    assert len(sender.slack.calls) == 2


@pytest.mark.parametrize(
    ("status", "body", "tried"),
    [
        (400, "invalid_blocks", 2),
        (500, '{"ok": false, "error": "invalid_blocks"}', 2),
        (200, '{"ok": false, "error": "invalid_blocks"}', 2),
        (404, '{"ok": false, "error": "expired_url"}', 1),
        (200, '{"ok": false, "error": "used_url"}', 1),
        (502, "<html>Bad gateway</html>", 1),
        (200, '{"ok": true}', 1),
        (200, "ok", 1),
    ],
)
async def test_a_response_url_may_say_it_in_more_than_one_form(
    sender: Sender, unused_tcp_port: int, status: int, body: str, tried: int
) -> None:
    sent: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        sent.append(await request.json())
        return web.Response(status=status, text=body) if len(sent) == 1 else web.Response(text="ok")

    runner = web.AppRunner(web.Application())
    runner.app.router.add_post("/hook", answer)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    try:
        taken = await sender.responder.answer(f"http://127.0.0.1:{unused_tcp_port}/hook", message())
    finally:
        await runner.cleanup()
    assert taken is (tried == 2 or '"ok": true' in body or body == "ok")
    assert len(sent) == tried
    assert all("plainer" not in one for one in sent)


def test_an_ack_and_a_form_have_the_plainer_blocks() -> None:
    sent = message()
    assert without_new(sent.payload()) == {"text": sent.text, "blocks": list(sent.plainer)}
    assert done("x", sent)["blocks"] == list(sent.plainer)
    usual = Message("x", [context("y")]).payload()
    assert without_new(usual) is usual
