"""A Bolt app in the sandbox, by Socket Mode and by signed HTTP: both ways must look the same to people."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.sandbox.slack import Person, SlackSandbox

BUTTONS: list[dict[str, Any]] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "acme wants 5,000"}},
    {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": "ok",
                "value": "r1",
                "text": {"type": "plain_text", "text": "Approve"},
            },
            {
                "type": "button",
                "action_id": "no",
                "value": "r1",
                "text": {"type": "plain_text", "text": "Deny"},
                "confirm": {
                    "title": {"type": "plain_text", "text": "Sure?"},
                    "text": {"type": "mrkdwn", "text": "There is no way back"},
                    "confirm": {"type": "plain_text", "text": "Deny it"},
                    "deny": {"type": "plain_text", "text": "Wait"},
                },
            },
        ],
    },
]


def modal(title: str = "Request") -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": "ask",
        "private_metadata": "from C1",
        "notify_on_close": True,
        "title": {"type": "plain_text", "text": title},
        "submit": {"type": "plain_text", "text": "Send"},
        "blocks": [
            {
                "type": "input",
                "block_id": "subuser",
                "label": {"type": "plain_text", "text": "Subuser"},
                "element": {"type": "plain_text_input", "action_id": "v", "max_length": 20},
            },
            {
                "type": "input",
                "block_id": "direction",
                "label": {"type": "plain_text", "text": "Direction"},
                "element": {
                    "type": "static_select",
                    "action_id": "v",
                    "options": [
                        {"text": {"type": "plain_text", "text": "Add credits"}, "value": "add"},
                        {"text": {"type": "plain_text", "text": "Remove credits"}, "value": "remove"},
                    ],
                    "initial_option": {"text": {"type": "plain_text", "text": "Add credits"}, "value": "add"},
                },
            },
            {
                "type": "input",
                "block_id": "amount",
                "label": {"type": "plain_text", "text": "Amount"},
                "element": {
                    "type": "number_input",
                    "action_id": "v",
                    "is_decimal_allowed": False,
                    "min_value": "1",
                },
            },
        ],
    }


@dataclass
class Seen:
    commands: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)
    submissions: list[dict[str, Any]] = field(default_factory=list)
    closed: list[dict[str, Any]] = field(default_factory=list)
    homes: list[dict[str, Any]] = field(default_factory=list)


def credits_app(slack: SlackSandbox, seen: Seen) -> AsyncApp:
    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id=slack.team_id, bot_token=slack.bot_token)

    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    app = AsyncApp(client=client, signing_secret=slack.signing_secret, authorize=authorize)
    listen_to_commands(app, seen)
    listen_to_clicks(app, seen)
    listen_to_views(app, seen)
    return app


def listen_to_commands(app: AsyncApp, seen: Seen) -> None:
    @app.command("/credits")
    async def command(ack: Any, body: Any, client: Any, respond: Any) -> None:
        seen.commands.append(body)
        match body["text"].split():
            case ["form"]:
                try:
                    await client.views_open(trigger_id=body["trigger_id"], view=modal())
                    await ack()
                except SlackApiError as error:
                    await ack(error.response["error"])
            case ["post"]:
                await ack()
                await client.chat_postMessage(channel=body["channel_id"], text="card", blocks=BUTTONS)
            case ["private"]:
                await ack(text="only you", blocks=BUTTONS)
            case ["bad"]:
                await ack(blocks=[{"type": "section"}])
            case ["later"]:
                await ack()
                await respond("to you")
                await respond("to all", response_type="in_channel")
            case _:
                await ack(f"you said {body['text']}")


def listen_to_clicks(app: AsyncApp, seen: Seen) -> None:
    @app.action("ok")
    async def approve(ack: Any, body: Any, respond: Any) -> None:
        seen.actions.append(body)
        await ack()
        if "response_url" in body:
            await respond("approved", replace_original=True)

    @app.action("no")
    async def deny(ack: Any, body: Any, respond: Any) -> None:
        seen.actions.append(body)
        await ack()
        await respond(delete_original=True)


ANSWERS: dict[str, dict[str, Any]] = {
    "wrong": {"response_action": "errors", "errors": {"subuser": "There is no such subuser"}},
    "again": {"response_action": "update", "view": modal("Once more")},
    "more": {"response_action": "push", "view": modal("On top")},
    "clear": {"response_action": "clear"},
    "nonsense": {"response_action": "errors", "errors": {"nowhere": "x"}},
}


def listen_to_views(app: AsyncApp, seen: Seen) -> None:
    @app.view("ask")
    async def submitted(ack: Any, body: Any) -> None:
        seen.submissions.append(body)
        values = body["view"]["state"]["values"]
        await ack(**ANSWERS.get(values["subuser"]["v"]["value"], {}))

    @app.view_closed("ask")
    async def closed(ack: Any, body: Any) -> None:
        seen.closed.append(body)
        await ack()

    @app.event("app_home_opened")
    async def home(event: Any, client: Any) -> None:
        seen.homes.append(event)
        blocks = [{"type": "header", "text": {"type": "plain_text", "text": "Welcome"}}, BUTTONS[1]]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})


@contextlib.asynccontextmanager
async def by_socket(slack: SlackSandbox, app: AsyncApp) -> AsyncIterator[None]:
    handler = AsyncSocketModeHandler(app, app_token=slack.app_token)
    await handler.connect_async()  # type: ignore[no-untyped-call] # the SDK leaves it untyped
    await slack.wait_for_socket()
    try:
        yield
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call] # the SDK leaves it untyped


@contextlib.asynccontextmanager
async def http_server(handle: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    server = web.Application()
    server.router.add_post("/slack/events", handle)
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def by_http(slack: SlackSandbox, app: AsyncApp) -> AsyncIterator[None]:
    bolt = app.server(path="/slack/events")
    async with http_server(bolt.handle_post_requests) as url:
        slack.events_url = url
        yield


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture(params=[by_socket, by_http])
async def slack(request: pytest.FixtureRequest, seen: Seen) -> AsyncIterator[SlackSandbox]:
    async with SlackSandbox() as sandbox:
        sandbox.workspace.add_person(Person("U1", "ada", "Ada Lovelace"))
        sandbox.workspace.add_person(Person("U2", "bob", "Bob Hope"))
        sandbox.workspace.add_channel("C1", "approvals", ["U1", "U2"])
        async with request.param(sandbox, credits_app(sandbox, seen)):
            yield sandbox


async def test_the_ack_of_a_command_is_shown_to_its_user_alone(slack: SlackSandbox, seen: Seen) -> None:
    delivery = await slack.command("U1", "/credits add acme.com 5k @bob & co", channel="C1")
    assert delivery.acked
    [body] = seen.commands
    assert body["command"] == "/credits"
    assert body["text"] == "add <http://acme.com|acme.com> 5k <@U2|bob> &amp; co"
    assert (body["user_id"], body["user_name"], body["channel_name"]) == ("U1", "ada", "approvals")
    [answer] = slack.ephemerals("U1")
    assert answer.text.startswith("you said add <http://acme.com")
    assert slack.ephemerals("U2") == slack.messages("C1") == []


async def test_an_ack_with_bad_blocks_fails_the_command(slack: SlackSandbox) -> None:
    await slack.command("U1", "/credits bad", channel="C1")
    assert [m.text for m in slack.ephemerals("U1")] == ['/credits failed with the error "invalid_blocks"']


async def test_a_response_url_answers_one_or_all(slack: SlackSandbox) -> None:
    await slack.command("U1", "/credits later", channel="C1")
    assert await slack.until(lambda: slack.messages("C1")[0].text) == "to all"
    assert [m.text for m in slack.ephemerals("U1", "C1")] == ["to you"]


async def test_a_click_changes_the_message_that_was_clicked(slack: SlackSandbox, seen: Seen) -> None:
    await slack.command("U1", "/credits post", channel="C1")
    card = await slack.until(lambda: slack.messages("C1")[0])
    assert (await slack.click("U2", card, "Approve")).acked
    await slack.until(lambda: card.plain() == "approved")
    [body] = seen.actions
    assert (body["user"]["id"], body["channel"]["id"], body["message"]["ts"]) == ("U2", "C1", card.ts)
    assert body["actions"][0]["value"] == "r1"
    assert body["actions"][0]["block_id"] == card.history[0].blocks[1]["block_id"]
    with pytest.raises(LookupError, match="no buttons"):
        await slack.click("U2", card, "Approve")


async def test_a_question_before_a_click_can_be_declined(slack: SlackSandbox, seen: Seen) -> None:
    await slack.command("U1", "/credits post", channel="C1")
    card = await slack.until(lambda: slack.messages("C1")[0])
    assert not (await slack.click("U2", card, "Deny", confirm=False)).sent
    assert seen.actions == []
    await slack.click("U2", card, "no")
    await slack.until(lambda: card.deleted)
    assert slack.messages("C1") == []


async def test_an_ephemeral_message_can_be_replaced_by_a_click(slack: SlackSandbox, seen: Seen) -> None:
    await slack.command("U1", "/credits private", channel="C1")
    [card] = slack.ephemerals("U1")
    with pytest.raises(LookupError):
        await slack.click("U2", card, "Approve")
    await slack.click("U1", card, "Approve")
    await slack.until(lambda: card.plain() == "approved")
    assert card.visible_to == "U1"
    assert seen.actions[0]["container"]["is_ephemeral"]
    assert "message" not in seen.actions[0]


async def test_an_option_can_be_chosen(slack: SlackSandbox, seen: Seen) -> None:
    options = [
        {"text": {"type": "plain_text", "text": word}, "value": word.lower()} for word in ("One", "Two")
    ]
    menu = {"type": "overflow", "action_id": "ok", "options": options}
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "pick"}, "accessory": menu}]
    message = slack.workspace.post("C1", slack.bot_user_id, blocks=blocks)
    assert (await slack.choose("U1", message, "ok", "Two")).acked
    assert seen.actions[0]["actions"][0]["selected_option"]["value"] == "two"
    with pytest.raises(LookupError):
        await slack.choose("U1", message, "other", "Two")


async def test_a_command_can_be_typed_in_the_direct_message(slack: SlackSandbox, seen: Seen) -> None:
    await slack.command("U1", "/credits help", channel="D1")
    assert (seen.commands[0]["channel_id"], seen.commands[0]["channel_name"]) == ("D1", "directmessage")
    assert [m.text for m in slack.ephemerals("U1", "D1")] == ["you said help"]


async def test_a_button_that_is_gone_can_still_be_clicked(slack: SlackSandbox, seen: Seen) -> None:
    assert (await slack.click_raw("U2", message=None, action_id="ok", value="r9")).acked
    assert seen.actions[0]["actions"][0]["value"] == "r9"


async def test_a_modal_is_filled_in_and_submitted(slack: SlackSandbox, seen: Seen) -> None:
    await slack.command("U1", "/credits form", channel="C1")
    [view] = slack.open_views("U1")
    assert "Subuser" in view.plain()
    filled = {"Subuser": "acme", "direction": "Remove credits", "Amount": "5000"}
    assert (await slack.submit("U1", view, filled)).acked
    assert slack.open_views("U1") == []
    values = seen.submissions[0]["view"]["state"]["values"]
    assert values["subuser"]["v"] == {"type": "plain_text_input", "value": "acme"}
    assert values["direction"]["v"]["selected_option"]["value"] == "remove"
    assert seen.submissions[0]["view"]["private_metadata"] == "from C1"


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"Amount": "5"}, "'Subuser' must be filled in"),
        ({"Subuser": "acme", "Amount": "many"}, "takes a number"),
        ({"Subuser": "acme", "Amount": "1.5"}, "whole number"),
        ({"Subuser": "acme", "Amount": "0"}, "from 1"),
        ({"Subuser": "x" * 21, "Amount": "5"}, "0 to 20 characters"),
    ],
)
async def test_what_the_client_of_slack_would_not_send_is_not_sent(
    slack: SlackSandbox, seen: Seen, values: dict[str, str], why: str
) -> None:
    await slack.command("U1", "/credits form", channel="C1")
    with pytest.raises(ValueError, match=why):
        await slack.submit("U1", slack.open_views("U1")[0], values)
    assert seen.submissions == []


async def test_a_person_fills_in_only_what_is_there(slack: SlackSandbox) -> None:
    await slack.command("U1", "/credits form", channel="C1")
    [view] = slack.open_views("U1")
    with pytest.raises(LookupError, match="no input 'Nothing'"):
        await slack.submit("U1", view, {"Nothing": "x"})
    with pytest.raises(LookupError, match="no option 'Sideways'"):
        await slack.submit("U1", view, {"Direction": "Sideways"})
    with pytest.raises(LookupError):
        await slack.submit("U2", view, {})


async def test_an_answer_may_show_errors_and_then_take_the_form(slack: SlackSandbox, seen: Seen) -> None:
    await slack.command("U1", "/credits form", channel="C1")
    [view] = slack.open_views("U1")
    await slack.submit("U1", view, {"Subuser": "wrong", "Amount": "5"})
    assert view.errors == {"subuser": "There is no such subuser"}
    await slack.submit("U1", view, {"Subuser": "acme"})
    assert slack.open_views("U1") == []
    assert seen.submissions[1]["view"]["state"]["values"]["amount"]["v"]["value"] == "5"


async def test_an_answer_may_replace_the_form(slack: SlackSandbox) -> None:
    await slack.command("U1", "/credits form", channel="C1")
    [view] = slack.open_views("U1")
    before = view.id, view.hash
    await slack.submit("U1", view, {"Subuser": "again", "Amount": "5"})
    assert slack.open_views("U1") == [view]
    assert view.view["title"]["text"] == "Once more"
    assert view.id == before[0]
    assert view.hash != before[1]


async def test_an_answer_may_put_a_form_on_top_and_clear_all(slack: SlackSandbox) -> None:
    await slack.command("U1", "/credits form", channel="C1")
    await slack.submit("U1", slack.open_views("U1")[0], {"Subuser": "more", "Amount": "5"})
    below, top = slack.open_views("U1")
    assert (top.root_view_id, top.previous_view_id) == (below.id, below.id)
    await slack.submit("U1", top, {"Subuser": "clear", "Amount": "5"})
    assert slack.open_views("U1") == []


async def test_an_answer_that_slack_cannot_use_leaves_the_form_open(slack: SlackSandbox) -> None:
    await slack.command("U1", "/credits form", channel="C1")
    [view] = slack.open_views("U1")
    await slack.submit("U1", view, {"Subuser": "nonsense", "Amount": "5"})
    assert slack.open_views("U1") == [view]
    assert view.trouble


async def test_a_closed_form_is_told_of(slack: SlackSandbox, seen: Seen) -> None:
    await slack.command("U1", "/credits form", channel="C1")
    await slack.close_view("U1", slack.open_views("U1")[0])
    assert slack.open_views("U1") == []
    assert seen.closed[0]["view"]["private_metadata"] == "from C1"


async def test_the_home_tab_is_published_and_its_buttons_work(slack: SlackSandbox, seen: Seen) -> None:
    assert slack.home("U1") is None
    assert (await slack.open_home("U1")).acked
    home = await slack.until(lambda: slack.home("U1"))
    assert home is not None
    assert home.plain().startswith("Welcome")
    await slack.click("U1", home, "Approve")
    assert seen.actions[0]["container"] == {"type": "view", "view_id": home.id}


async def test_the_same_payload_can_come_twice(slack: SlackSandbox, seen: Seen) -> None:
    first = await slack.command("U1", "/credits form", channel="C1")
    second = await slack.deliver_again(first)
    assert second.envelope_id == first.envelope_id
    assert seen.commands[0] == seen.commands[1]
    assert second.body == {"text": "exchanged_trigger_id"}


async def silent(_: web.Request) -> web.Response:
    await asyncio.sleep(60)
    return web.Response()


async def broken(_: web.Request) -> web.Response:
    return web.Response(status=500, text="sorry")


@pytest.mark.parametrize(
    ("bot", "status", "error"), [(silent, None, "operation_timeout"), (broken, 500, "dispatch_failed")]
)
async def test_a_bot_that_fails_over_http_fails_the_command(
    bot: Callable[[web.Request], Awaitable[web.Response]], status: int | None, error: str
) -> None:
    async with SlackSandbox(ack_window=0.05) as slack, http_server(bot) as url:
        slack.workspace.add_person(Person("U1", "ada", "Ada Lovelace"))
        slack.workspace.add_channel("C1", "approvals", ["U1"])
        slack.events_url = url
        delivery = await slack.command("U1", "/credits", channel="C1")
        assert (delivery.acked, delivery.status, delivery.error) == (False, status, error)
        assert [m.text for m in slack.ephemerals("U1")] == [f'/credits failed with the error "{error}"']

        card = slack.workspace.post("C1", slack.bot_user_id, text="card", blocks=BUTTONS)
        await slack.click("U1", card, "Approve")
        assert card.trouble == error


async def test_nobody_at_the_address_fails_the_command() -> None:
    async with SlackSandbox() as slack:
        slack.workspace.add_person(Person("U1", "ada", "Ada Lovelace"))
        slack.workspace.add_channel("C1", "approvals", ["U1"])
        for url in (None, "http://127.0.0.1:1/slack/events"):
            slack.events_url = url
            delivery = await slack.command("U1", "/credits", channel="C1")
            assert (delivery.sent, delivery.acked, delivery.error) == (True, False, "dispatch_failed")
        with pytest.raises(LookupError):
            await slack.command("U9", "/credits", channel="C1")
        with pytest.raises(LookupError):
            await slack.command("U1", "/credits", channel="C9")


async def test_requests_are_signed_as_slack_signs_them() -> None:
    verdicts: list[bool] = []

    async def bot(request: web.Request) -> web.Response:
        body = await request.read()
        verdicts.append(SignatureVerifier("s3cret").is_valid_request(body, dict(request.headers)))
        verdicts.append(SignatureVerifier("other").is_valid_request(body, dict(request.headers)))
        return web.Response(text="plain words")

    async with SlackSandbox(signing_secret="s3cret") as slack, http_server(bot) as url:
        slack.workspace.add_person(Person("U1", "ada", "Ada Lovelace"))
        slack.workspace.add_channel("C1", "approvals", ["U1"])
        slack.events_url = url
        delivery = await slack.command("U1", "/credits schrödinger", channel="C1")
        assert (delivery.status, delivery.body) == (200, {"text": "plain words"})
        await slack.click_raw("U1", message=None, action_id="ok", value="1")
        await slack.open_home("U1")
    assert verdicts == [True, False] * 3


async def test_a_trigger_is_refused_when_it_is_late_or_made_up() -> None:
    now = [1_700_000_000.0]
    async with SlackSandbox(clock=lambda: now[0]) as slack:
        slack.workspace.add_person(Person("U1", "ada", "Ada Lovelace"))
        slack.workspace.add_channel("C1", "approvals", ["U1"])
        delivery = await slack.command("U1", "/credits", channel="C1")
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        now[0] += 3.1
        with pytest.raises(SlackApiError, match="expired_trigger_id"):
            await client.views_open(trigger_id=delivery.payload["trigger_id"], view=modal())
        with pytest.raises(SlackApiError, match="invalid_trigger_id"):
            await client.views_open(trigger_id="1.2.3", view=modal())
        with pytest.raises(SlackApiError, match="invalid_arguments"):
            await client.views_open(trigger_id="1.2.3", view=modal("x" * 25))


async def test_a_view_is_updated_only_from_what_the_bot_last_saw() -> None:
    async with SlackSandbox() as slack:
        slack.workspace.add_person(Person("U1", "ada", "Ada Lovelace"))
        view = slack.workspace.open_modal("U1", modal())
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        stale = view.hash
        await client.views_update(view_id=view.id, hash=stale, view=modal("Second"))
        with pytest.raises(SlackApiError, match="hash_conflict"):
            await client.views_update(view_id=view.id, hash=stale, view=modal("Third"))
        assert view.view["title"]["text"] == "Second"
        await slack.stop()
        slack.workspace.close_modal(view)
        await slack.start()
        with pytest.raises(SlackApiError, match="not_found"):
            await client.views_update(view_id=view.id, view=modal("Fourth"))
