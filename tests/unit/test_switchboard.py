"""What Slack delivers gets to its handler through Bolt, already read; the answer names the command."""

from typing import Any

import pytest
import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.slack.app import on_error
from creditbot.slack.naming import Naming, NamingAck
from creditbot.slack.payloads import (
    Challenge,
    Click,
    Interaction,
    Sender,
    SlashCommand,
    Submission,
    UnreadablePayload,
)
from creditbot.slack.switchboard import OTHERS, Switchboard, delivery

WHO = Sender("U1")


def typed(command: str) -> SlashCommand:
    return SlashCommand(command, WHO, "C1", "help", None, None)


def click(action_id: str) -> Click:
    return Click(WHO, "C1", None, action_id, "", None, None)


def form(callback_id: str) -> Submission:
    return Submission(WHO, callback_id, "V1", "", {})


RAISE = {"unreadable": UnreadablePayload("a form without its word"), "broken": ZeroDivisionError()}


def handler(name: str) -> Any:
    async def handle(ack: NamingAck, found: Interaction) -> BoltResponse | None:
        if name in RAISE:
            raise RAISE[name]
        if name == OTHERS:
            return BoltResponse(status=404, body="")
        if isinstance(found, Submission):
            await ack(response_action="errors", errors={"reason": f"{name}, or `/credits help`"})
        else:
            await ack(text=f"{name}, or `/credits help`")
        return None

    return handle


def table(*names: str) -> dict[str, Any]:
    return {name: handler(name) for name in (*names, OTHERS)}


async def answer(found: Interaction, command: str = "/credits") -> tuple[int, str]:
    switchboard = Switchboard(
        Naming(command), commands=table(command), buttons=table("approve"), forms=table("deny", *RAISE)
    )
    client = AsyncWebClient(token="xoxb-made-up")
    app = AsyncApp(client=client, signing_secret="", before_authorize=switchboard)
    app.error(on_error)
    answered = await app.async_dispatch(delivery(found))
    return answered.status, answered.body


@pytest.mark.parametrize(
    ("found", "status", "body"),
    [
        (typed("/credits"), 200, "/credits, or `/credits help`"),
        (typed("/other"), 404, ""),
        (click("approve"), 200, "approve, or `/credits help`"),
        (click("launch"), 404, ""),
        (form("surprise"), 404, ""),
        (Challenge("abc"), 200, '{"challenge": "abc"}'),
    ],
)
async def test_each_kind_gets_to_the_handler_of_its_name(found: Interaction, status: int, body: str) -> None:
    assert await answer(found) == (status, body)


async def test_whatever_is_acked_names_the_command_as_it_is_called_here() -> None:
    assert await answer(click("approve"), "/sg") == (200, "approve, or `/sg help`")
    status, body = await answer(form("deny"), "/sg")
    assert (status, body) == (
        200,
        '{"response_action": "errors", "errors": {"reason": "deny, or `/sg help`"}}',
    )


async def test_what_no_handler_has_caught_is_the_payloads_fault_or_ours() -> None:
    with structlog.testing.capture_logs() as logs:
        assert await answer(form("unreadable")) == (400, "unreadable payload")
        assert await answer(form("broken")) == (500, "")
    assert [entry["log_level"] for entry in logs] == ["warning", "error"]


def test_bolt_is_given_nothing_to_read_again() -> None:
    assert delivery(typed("/credits")).body == {}
