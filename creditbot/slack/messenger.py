"""Posting and changing messages: the Slack side of the port that jobs use."""

from collections.abc import Mapping
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.domain.place import Place
from creditbot.domain.who import is_person
from creditbot.jobs.messenger import DeliveryProblem, Drawing, Fault

from .errors import IN_A_DIRECT_MESSAGE, TROUBLE, error_code, fault_of, http_status, own_word, retry_after

MAY_BE_DONE = frozenset({"internal_error", "fatal_error"})
"""Of these Slack says that some aspect of the operation may have succeeded before the error was raised.

docs.slack.dev/reference/methods/chat.postMessage#errors
"""
LONGEST_WAIT = 60.0
"""Seconds that Slack is left alone at most, so that a card is not behind for long after an outage."""

log = structlog.get_logger(__name__)


class SlackMessenger:
    """Implements `creditbot.jobs.messenger.Messenger`."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def post(self, to: str, drawing: Drawing) -> Place:
        payload = await drawn(drawing)
        try:
            answer = await self._client.chat_postMessage(
                channel=to, unfurl_links=False, unfurl_media=False, **payload
            )
        except TROUBLE as error:
            raise problem(error, direct=is_person(to)) from error
        return Place(str(answer["channel"]), str(answer["ts"]))

    async def change(self, place: Place, drawing: Drawing) -> None:
        payload = await drawn(drawing)
        try:
            await self._client.chat_update(channel=place.channel, ts=str(place.ts), **payload)
        except TROUBLE as error:
            raise problem(error) from error


async def drawn(drawing: Drawing) -> Mapping[str, Any]:
    """Take what goes wrong before anything was sent for a fault of ours, whatever it is."""
    try:
        return await drawing.draw()
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
