"""Which handler takes what Slack delivers: a table for commands, one for buttons, one for forms."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from .naming import Naming, NamingAck
from .payloads import Challenge, Click, Interaction, SlashCommand, Submission

T = TypeVar("T")

Handler = Callable[[NamingAck, T], Awaitable[BoltResponse | None]]
"""Acks what was delivered, or returns what is answered instead."""

OTHERS = ""
"""In a table, whatever has none of its names."""

INTERACTION = "interaction"


def delivery(interaction: Interaction) -> AsyncBoltRequest:
    """What is dispatched to the Bolt app; it gets no payload, in which it takes much on trust."""
    return AsyncBoltRequest(mode="socket_mode", body={}, context={INTERACTION: interaction})


class Switchboard(AsyncMiddleware):
    """Answers everything, so Bolt's own middleware and listeners, tried one after another, are not needed."""

    def __init__(
        self,
        naming: Naming,
        *,
        commands: Mapping[str, Handler[SlashCommand]],
        buttons: Mapping[str, Handler[Click]],
        forms: Mapping[str, Handler[Submission]],
    ) -> None:
        self._naming = naming
        self.commands = commands
        self.buttons = buttons
        self.forms = forms

    async def async_process(self, *, req: AsyncBoltRequest, **_: Any) -> BoltResponse | None:
        ack = req.context.ack
        answer = await self._handle(NamingAck(ack, self._naming), req.context[INTERACTION])
        return answer or ack.response

    async def _handle(self, ack: NamingAck, found: Interaction) -> BoltResponse | None:
        match found:
            case SlashCommand():
                return await _named(found.command, self.commands)(ack, found)
            case Click():
                return await _named(found.action_id, self.buttons)(ack, found)
            case Submission():
                return await _named(found.callback_id, self.forms)(ack, found)
            case Challenge(challenge):
                return BoltResponse(status=200, body={"challenge": challenge})


def _named(name: str, handlers: Mapping[str, Handler[T]]) -> Handler[T]:
    return handlers.get(name) or handlers[OTHERS]
