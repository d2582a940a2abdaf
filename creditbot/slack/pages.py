"""Lists and their pages: typed, or turned by the buttons under a list."""

from collections.abc import Mapping

from slack_bolt.response import BoltResponse

from creditbot.domain import paging
from creditbot.domain.paging import History, Pending
from creditbot.domain.who import Actor
from creditbot.operations import Queries

from . import lists
from .boundary import boundary
from .home import Home
from .message import Message
from .naming import NamingAck
from .payloads import Click
from .recent_deliveries import RecentDeliveries
from .responder import Responder
from .switchboard import Handler
from .tasks import Tasks


class Pages:
    """Each page is read anew for whoever asks for it; nothing is kept between two of them."""

    def __init__(
        self,
        *,
        home: Home,
        responder: Responder,
        tasks: Tasks,
        queries: Queries,
        strange: Handler[Click],
    ) -> None:
        """`strange` takes a click on a button that carries no page."""
        self._home = home
        self._responder = responder
        self._tasks = tasks
        self._queries = queries
        self._strange = strange
        self._recent = RecentDeliveries()
        self.handlers: Mapping[str, Handler[Click]] = {lists.PAGE_BACK: self._turn, lists.PAGE_ON: self._turn}

    async def page(self, wanted: Pending | History, actor: Actor) -> Message:
        """A page as `actor` may see it."""
        if isinstance(wanted, Pending):
            return lists.pending(await self._queries.pending(wanted, actor), self._home.links.to)
        return lists.history(wanted.subuser, await self._queries.history(wanted), self._home.links.to)

    async def _turn(self, ack: NamingAck, click: Click) -> BoltResponse | None:
        """Put another page in the place of the one whose button was pressed."""
        wanted = paging.read(click.value)
        if wanted is None:
            return await self._strange(ack, click)
        if not self._recent.came_before(click.delivery_id):
            self._tasks.spawn(self._show(click, wanted))
        await ack()
        return None

    async def _show(self, click: Click, wanted: Pending | History) -> None:
        async def say(message: Message) -> None:
            await self._responder.privately(
                message, response_url=click.response_url, channel=click.channel, user=click.user
            )

        async with boundary(say, "a page"):
            message = await self.page(wanted, self._home.actor(click.sender))
            await self._responder.privately(
                message,
                response_url=click.response_url,
                channel=click.channel,
                user=click.user,
                replace=click.ts is None,  # what everyone sees is no place for one person's list
            )
