"""Posting and changing messages: the Slack side of the port that jobs use."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.domain.digest import Digest
from creditbot.domain.drift import Comparison
from creditbot.domain.errors import UnreadableRequest
from creditbot.domain.place import Place
from creditbot.domain.policy import Policy
from creditbot.domain.requests import CreditRequest
from creditbot.domain.rules import may_see
from creditbot.domain.undone import Undone
from creditbot.domain.who import Actor, Directory, is_person
from creditbot.jobs.messenger import DeliveryProblem, Fault

from .cards.card import request_card
from .cards.notices import moved, notice
from .digest import digest
from .drift import comparison
from .errors import IN_A_DIRECT_MESSAGE, TROUBLE, error_code, fault_of, http_status, own_word, retry_after
from .message import Message, context, sentence
from .permalinks import Permalinks
from .undone import undone

MAY_BE_DONE = frozenset({"internal_error", "fatal_error"})
"""Of these Slack says that some aspect of the operation may have succeeded before the error was raised.

docs.slack.dev/reference/methods/chat.postMessage#errors
"""
LONGEST_WAIT = 60.0
"""Seconds that Slack is left alone at most, so that a card is not behind for long after an outage."""

log = structlog.get_logger(__name__)


class SlackMessenger:
    """Implements `creditbot.jobs.Messenger`."""

    def __init__(
        self,
        client: AsyncWebClient,
        policy: Policy,
        directory: Directory,
        links: Permalinks,
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._policy = policy
        self._directory = directory
        self._links = links
        self._clock = clock

    async def _card(self, request: CreditRequest, *, copy_above: bool) -> dict[str, Any]:
        now = self._clock()
        roster = await self._directory(self._policy.authority(request, now))
        with drawing():
            drawn = request_card(
                request, self._policy, roster, now, copy_above=copy_above, links=self._links.to
            )
            return drawn.payload()

    async def post_card(self, channel: str, request: CreditRequest, *, copy_above: bool) -> tuple[str, str]:
        payload = await self._card(request, copy_above=copy_above)
        try:
            answer = await self._client.chat_postMessage(
                channel=channel, unfurl_links=False, unfurl_media=False, **payload
            )
        except TROUBLE as error:
            raise problem(error) from error
        return str(answer["channel"]), str(answer["ts"])

    async def update_card(self, channel: str, ts: str, request: CreditRequest, *, copy_above: bool) -> None:
        payload = await self._card(request, copy_above=copy_above)
        try:
            await self._client.chat_update(channel=channel, ts=ts, **payload)
        except TROUBLE as error:
            raise problem(error) from error

    async def point_to_card(self, channel: str, ts: str, request: CreditRequest, card: Place) -> None:
        with drawing():
            payload = moved(request, card, self._links.to(card)).payload()
        try:
            await self._client.chat_update(channel=channel, ts=ts, **payload)
        except TROUBLE as error:
            raise problem(error) from error

    async def send_notice(self, person: str, kind: str, request: CreditRequest, card: Place | None) -> None:
        told = request.requester if person == request.requested_by else Actor(person)
        figures = may_see(told, self._policy, await self._directory(self._policy.may_see))
        with drawing():
            payload = notice(kind, request, figures=figures, place=card, link=self._links.to(card)).payload()
        await self._send(person, payload)

    async def send_unreadable(self, person: str, request: UnreadableRequest) -> None:
        await self._send(person, sentence(request.sentence).payload())

    async def post_bulletin(
        self, to: str, bulletin: Digest | Comparison | Undone, *, instead_of: str | None = None
    ) -> None:
        with drawing():
            match bulletin:
                case Digest():
                    drawn = digest(bulletin)
                case Comparison():
                    drawn = comparison(bulletin)
                case Undone():
                    drawn = undone(bulletin)
            if instead_of is not None:
                why = f"You get this because creditbot can't post it in <#{instead_of}>."
                drawn = Message(f"{drawn.text} {why}", [*drawn.blocks, context(why)])
            payload = drawn.payload()
        await self._send(to, payload)

    async def _send(self, to: str, payload: dict[str, Any]) -> None:
        """To a person, or to a channel."""
        try:
            await self._client.chat_postMessage(channel=to, unfurl_links=False, unfurl_media=False, **payload)
        except TROUBLE as error:
            raise problem(error, direct=is_person(to)) from error


@contextmanager
def drawing() -> Iterator[None]:
    """Take what goes wrong before anything was sent for a fault of ours, whatever it is."""
    try:
        yield
    except Exception as error:
        log.exception("A message could not be built")
        detail = f"{type(error).__name__}: {error}"
        raise DeliveryProblem(detail, fault=Fault.OURS, not_done=True) from error


def problem(error: Exception, *, direct: bool = False) -> DeliveryProblem:
    """What a failed call to Slack means for the next try; `direct` is true of a message to one person."""
    if not isinstance(error, SlackApiError):
        unreached = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
        return DeliveryProblem(error_code(error), not_done=unreached)
    code = error_code(error)
    wait = retry_after(error)
    seconds = None if wait is None else min(wait, LONGEST_WAIT)
    fault = fault_of(error)
    if direct and code in IN_A_DIRECT_MESSAGE:
        fault = Fault.PERSON
    return DeliveryProblem(code, fault=fault, wait=seconds, not_done=_said_no(error))


def _said_no(error: SlackApiError) -> bool:
    """Whether Slack has clearly refused, so that nothing was posted."""
    status, word = http_status(error), own_word(error)
    return status == 429 or (status == 200 and word is not None and word not in MAY_BE_DONE)
