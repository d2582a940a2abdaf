"""Socket Mode's messages, checked before slack_sdk works on them."""

import json

import structlog
from slack_sdk.socket_mode.aiohttp import SocketModeClient

from .payloads import UnreadablePayload, check_envelope

log = structlog.get_logger(__name__)


class CheckingClient(SocketModeClient):
    """slack_sdk takes each message for one of Slack's, and logs a traceback where it stumbles."""

    async def enqueue_message(self, message: str) -> None:
        try:
            check_message(message)
        except UnreadablePayload as error:
            log.warning("A message could not be read", error=str(error))
            return
        await super().enqueue_message(message)


def check_message(message: str) -> None:
    """Raise UnreadablePayload unless it is JSON, and, with a payload, an envelope as Slack sends it."""
    try:
        found = json.loads(message)
    except (ValueError, RecursionError):
        raise UnreadablePayload("not JSON") from None
    if not isinstance(found, dict):
        raise UnreadablePayload("not an object")
    if "payload" in found:
        check_envelope(found)
