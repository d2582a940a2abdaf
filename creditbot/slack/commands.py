"""`/credits …`: read, then answered at once, or taken down and acked."""

import json
from collections.abc import Mapping

import structlog
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.domain import commands
from creditbot.domain.commands import Ask, Cancel, OpenForm
from creditbot.domain.paging import History, Pending
from creditbot.domain.questions import Question
from creditbot.domain.who import Actor
from creditbot.elapsed import boottime
from creditbot.operations import Decisions, Delivery, Queries, Requests
from creditbot.seldom import Seldom

from . import answers, forms
from .boundary import Say, boundary
from .home import Home
from .message import Message
from .naming import NamingAck
from .opening import open_form
from .pages import Pages
from .payloads import SlashCommand
from .responder import Responder
from .seen import Seen
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
        self._client = client
        self._home = home
        self._responder = responder
        self._tasks = tasks
        self._requests = requests
        self._decisions = decisions
        self._queries = queries
        self._pages = pages
        self._seen = Seen()
        self._seldom = Seldom(2, 60)
        self.handlers: Mapping[str, Handler[SlashCommand]] = {name: self._handle, OTHERS: self._unknown}

    async def _handle(self, ack: NamingAck, typed: SlashCommand) -> None:
        """Ack exactly once: with the answer if it needs no SendGrid, empty if the answer comes later."""
        delivery = Delivery(typed.delivery_id, boottime(), ack_is_answer=True)

        async def say(message: Message) -> None:
            await ack(response_type="ephemeral", **message.payload())

        async with boundary(say, "a command"):
            match commands.parse(typed.text):
                case Ask() as command:
                    await say(await self._ask(command, typed, delivery))
                case Cancel(request_id):
                    request = await self._decisions.cancel(request_id, typed.user, delivery)
                    await say(answers.cancelled(request))
                case commands.Help():
                    await say(answers.help_())
                case _ if self._seen.before(typed.delivery_id):
                    await ack()
                case OpenForm() as given:
                    self._tasks.spawn(self._open_form(given, typed))
                    await ack()
                case command:
                    self._tasks.spawn(self._answer(command, typed))
                    await ack()

    async def _unknown(self, ack: NamingAck, typed: SlashCommand) -> BoltResponse:
        """A command that has another name than the setting says, so that people get no answer."""
        del ack
        if self._seldom.left_out("a name") is not None:
            log.warning(
                "Slack delivered a command other than CREDITBOT_COMMAND; change it there, or in your Slack "
                "app",
                command=typed.command[:40],
            )
        return BoltResponse(status=404, body="")

    async def _ask(self, command: Ask, typed: SlashCommand, delivery: Delivery) -> Message:
        found = await self._requests.ask(
            command, requested_by=self._home.actor(typed.sender), delivery=delivery
        )
        if isinstance(found, Question):
            return answers.same_again(found, self._home.links.to)
        return answers.asked(found, self._requests.channel_of(found), self._home.links.to)

    async def _answer(self, command: commands.Command, typed: SlashCommand) -> None:
        async with boundary(self._later(typed), "an answer"):
            await self._later(typed)(await self._look_up(command, self._home.actor(typed.sender)))

    def _later(self, typed: SlashCommand) -> Say:
        """A way to answer a command that has been acked already."""

        async def say(message: Message) -> None:
            await self._responder.privately(
                message, response_url=typed.response_url, channel=typed.channel, user=typed.user
            )

        return say

    async def _look_up(self, command: commands.Command, actor: Actor) -> Message:
        match command:
            case commands.ShowBalance():
                return answers.balance(await self._queries.balance(command, actor))
            case Pending() | History() as wanted:
                return await self._pages.page(wanted, actor)
            case commands.Show(request_id):
                return answers.show(await self._queries.show(request_id, actor))
            case _:
                raise TypeError(f"{command} is not something to look up")

    async def _open_form(self, given: OpenForm, typed: SlashCommand) -> None:
        async with boundary(self._later(typed), "a form"):
            await self._requests.check_may_ask(self._home.actor(typed.sender))
            # The answer to the form goes where the command was typed, visible to the same person only.
            place = json.dumps({"response_url": typed.response_url})
            instead = f"Type it in full instead: `{commands.USAGE[given.direction]}`."
            await open_form(self._client, typed.trigger_id, forms.ask(given, place), instead)
