"""What Slack delivers of the one command: read, then answered at once, or acked and answered later."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import structlog
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.elapsed import boottime
from creditbot.operations import Decisions, Delivery, Queries, Requests
from creditbot.seldom import Seldom

from .boundary import boundary
from .commands import COMMANDS, parse
from .commands.specification import Parts
from .home import Home
from .message import Message, View
from .naming import NamingAck
from .opening import open_form
from .pages import Pages
from .payloads import SlashCommand
from .recent_deliveries import RecentDeliveries
from .responder import Responder
from .switchboard import OTHERS, Handler
from .tasks import Tasks

log = structlog.get_logger(__name__)


class Commands:
    """One handler for the one command, and one for any other."""

    def __init__(
        self,
        *,
        client: AsyncWebClient,
        home: Home,
        responder: Responder,
        tasks: Tasks,
        requests: Requests,
        decisions: Decisions,
        queries: Queries,
        pages: Pages,
        name: str,
    ) -> None:
        self.client = client
        self.responder = responder
        self.tasks = tasks
        self.recent = RecentDeliveries()
        self._home = home
        self._parts = Parts(requests, decisions, queries, pages, home.links.to, COMMANDS.values())
        self._seldom = Seldom(2, 60)
        self.handlers: Mapping[str, Handler[SlashCommand]] = {name: self._handle, OTHERS: self._unknown}

    async def _handle(self, ack: NamingAck, command: SlashCommand) -> None:
        typed = _Typed(self, ack, command, self._home)
        async with boundary(typed.answer, "a command"):
            specification, given = parse(command.text)
            await specification.handle(given, typed, self._parts)

    async def _unknown(self, ack: NamingAck, command: SlashCommand) -> BoltResponse:
        """A command that has another name than the setting says, so that people get no answer."""
        del ack
        if self._seldom.left_out("a name") is not None:
            log.warning(
                "Slack delivered a command other than CREDITBOT_COMMAND; change it there, or in your Slack "
                "app",
                command=command.command[:40],
            )
        return BoltResponse(status=404, body="")


class _Typed:
    """`specification.Typed`."""

    def __init__(self, commands: Commands, ack: NamingAck, command: SlashCommand, home: Home) -> None:
        self._commands = commands
        self._ack = ack
        self._command = command
        self.actor = home.actor(command.sender)
        self.delivery = Delivery(command.delivery_id, boottime(), ack_is_answer=True)
        self.response_url = command.response_url

    async def answer(self, message: Message) -> None:
        await self._ack(response_type="ephemeral", **message.payload())

    async def later(self, look_up: Callable[[], Awaitable[Message]]) -> None:
        async def work() -> None:
            async with boundary(self._say, "an answer"):
                await self._say(await look_up())

        await self._once(work)

    async def open(self, view: Callable[[], Awaitable[View]], instead: str) -> None:
        async def work() -> None:
            async with boundary(self._say, "a form"):
                await open_form(self._commands.client, self._command.trigger_id, await view(), instead)

        await self._once(work)

    async def _once(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if not self._commands.recent.came_before(self._command.delivery_id):
            self._commands.tasks.spawn(work())
        await self._ack()

    async def _say(self, message: Message) -> None:
        """Answer a command that has been acked already."""
        await self._commands.responder.privately(
            message,
            response_url=self._command.response_url,
            channel=self._command.channel,
            user=self._command.user,
        )
