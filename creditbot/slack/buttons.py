"""The buttons on a card. A click counts only for what its clicker may do at this moment."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.domain.errors import DomainError, NotAnswered, NotTaken
from creditbot.elapsed import boottime
from creditbot.operations import Clicks, Decisions, Delivery, Followers, Queries, Requests, Settlements

from . import answers, forms
from .boundary import Say, boundary
from .cards import folded
from .cards.buttons import (
    APPROVE,
    CANCEL,
    CHECK_AGAIN,
    DENY,
    REQUEST_AGAIN,
    SETTLE_APPLIED,
    SETTLE_NOT_APPLIED,
    WITHDRAW,
)
from .home import Home
from .message import Message, View, sentence
from .naming import NamingAck
from .opening import open_form
from .payloads import Click
from .recent_deliveries import RecentDeliveries
from .responder import Responder
from .switchboard import Handler
from .tasks import Tasks

NOT_YET = {sentence(error.sentence).text for error in (NotTaken(), NotAnswered())}
"""What may be taken when it is delivered again, and must be said then."""

STRANGE = (
    "creditbot does not know this button; it may be from another version. Nothing was changed. `/credits "
    "pending` lists the open requests."
)

Act = Callable[[Click, Delivery], Awaitable[None]]


class Buttons:
    """Each handler decides and commits, then acks; the card follows."""

    def __init__(
        self,
        *,
        client: AsyncWebClient,
        home: Home,
        responder: Responder,
        tasks: Tasks,
        requests: Requests,
        followers: Followers,
        decisions: Decisions,
        settlements: Settlements,
        clicks: Clicks,
        queries: Queries,
    ) -> None:
        self._client = client
        self._home = home
        self._responder = responder
        self._tasks = tasks
        self._requests = requests
        self._followers = followers
        self._decisions = decisions
        self._settlements = settlements
        self._clicks = clicks
        self._queries = queries
        self._recent = RecentDeliveries()
        acts: Mapping[str, Act] = {
            APPROVE: self._approve,
            DENY: self._deny,
            CANCEL: self._cancel,
            WITHDRAW: self._withdraw,
            SETTLE_APPLIED: self._settle_applied,
            SETTLE_NOT_APPLIED: self._settle_not_applied,
            CHECK_AGAIN: self._check_again,
            REQUEST_AGAIN: self._request_again,
            answers.ASK_ANYWAY: self._ask_anyway,
            folded.SHOW: self._show,
        }
        self.handlers: Mapping[str, Handler[Click]] = {
            action_id: partial(self._handle, act) for action_id, act in acts.items()
        }

    async def unknown(self, ack: NamingAck, click: Click) -> BoltResponse:
        """A button that is not ours, or no longer."""
        del ack
        started = boottime()
        async with boundary(self._say_later(click), "a strange click"):
            delivery = Delivery(click.delivery_id, started)
            if await self._clicks.refuse_unknown_button(click.user, click.action_id, click.value, delivery):
                raise DomainError(STRANGE)
        return BoltResponse(status=404, body="")

    async def _handle(self, act: Act, ack: NamingAck, click: Click) -> None:
        delivery = Delivery(click.delivery_id, boottime())
        async with boundary(self._say_later(click), "a click"):
            await act(click, delivery)
        await ack()
        self._tasks.spawn(self._redraw(click))

    def _say_later(self, click: Click) -> Say:
        """Tell the clicker privately and once, without keeping the ack waiting."""

        async def say(message: Message) -> None:
            if message.text in NOT_YET or not self._recent.came_before(click.delivery_id):
                self._tasks.spawn(self._whisper(click, message))

        return say

    async def _approve(self, click: Click, delivery: Delivery) -> None:
        if await self._decisions.wants_break_glass(click.card, click.user, delivery):
            request = await self._decisions.check_may_break_glass(click.card, click.user, delivery)
            if request is not None:
                self._tasks.spawn(self._open(click, forms.break_glass(request, click.card)))
            return
        await self._decisions.approve(click.card, click.user, delivery)

    async def _withdraw(self, click: Click, delivery: Delivery) -> None:
        await self._decisions.withdraw(click.card, click.user, delivery)

    async def _cancel(self, click: Click, delivery: Delivery) -> None:
        await self._decisions.cancel(click.card, click.user, delivery)

    async def _check_again(self, click: Click, delivery: Delivery) -> None:
        await self._settlements.check_again(click.card, click.user, delivery)

    async def _request_again(self, click: Click, delivery: Delivery) -> None:
        asked = await self._followers.ask_again(
            click.card, requested_by=self._home.actor(click.sender), delivery=delivery
        )
        if asked is not None:
            await self._say_later(click)(
                answers.asked(asked, self._requests.channel_of(asked), self._home.links.to)
            )

    async def _ask_anyway(self, click: Click, delivery: Delivery) -> None:
        """The answer takes the place of the question, which can't be answered twice."""
        asked = await self._requests.ask_anyway(
            click.value, requested_by=self._home.actor(click.sender), delivery=delivery
        )
        if not self._recent.came_before(click.delivery_id):
            message = answers.asked(asked, self._requests.channel_of(asked), self._home.links.to)
            self._tasks.spawn(self._whisper(click, message, replace=click.ts is None))

    async def _show(self, click: Click, delivery: Delivery) -> None:
        """Nothing is decided, so the answer comes after the ack, and once."""
        del delivery
        if not self._recent.came_before(click.delivery_id):
            self._tasks.spawn(self._tell_all(click))

    async def _tell_all(self, click: Click) -> None:
        async def say(message: Message) -> None:
            await self._whisper(click, message)

        async with boundary(say, "an answer"):
            record = await self._queries.show(click.card, self._home.actor(click.sender))
            await say(answers.show(record))

    async def _deny(self, click: Click, delivery: Delivery) -> None:
        request = await self._decisions.check_may_decide(click.card, click.user, "deny", delivery)
        if request is not None:
            self._tasks.spawn(self._open(click, forms.deny(request, click.card)))

    async def _settle_applied(self, click: Click, delivery: Delivery) -> None:
        request = await self._settlements.check_may_settle(click.card, click.user, delivery)
        if request is not None:
            self._tasks.spawn(self._open(click, forms.settle(request, click.card, applied=True)))

    async def _settle_not_applied(self, click: Click, delivery: Delivery) -> None:
        request = await self._settlements.check_may_settle(click.card, click.user, delivery)
        if request is not None:
            self._tasks.spawn(self._open(click, forms.settle(request, click.card, applied=False)))

    async def _open(self, click: Click, view: View) -> None:
        async def say(message: Message) -> None:
            await self._whisper(click, message)

        async with boundary(say, "a form"):
            await open_form(self._client, click.trigger_id, view, "Press the button again.")

    async def _whisper(self, click: Click, message: Message, *, replace: bool = False) -> None:
        await self._responder.privately(
            message,
            response_url=click.response_url,
            channel=click.channel,
            user=click.user,
            replace=replace,
        )

    async def _redraw(self, click: Click) -> None:
        """The message that was clicked may be one that a crash kept from the record."""
        if click.ts is None:
            return

        async def say(_: Message) -> None:
            """Nobody asked for this; the log has it."""

        async with boundary(say, "a redrawing"):
            await self._clicks.seen_in(click.card, click.channel, click.ts)
