"""Posting and changing messages: the Slack side of the port that jobs use."""

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.domain.policy import Policy
from creditbot.domain.requests import CreditRequest
from creditbot.jobs import DeliveryProblem

from . import cards
from .connection import error_code
from .responder import TROUBLE

GONE = frozenset({"message_not_found", "cant_update_message"})
LASTING = frozenset(
    {"user_not_found", "user_disabled", "users_not_found", "cannot_dm_bot", "account_inactive"}
)
SELDOM = 600.0
"""Seconds between tries where only a change in the workspace can help."""


class SlackMessenger:
    """Implements `creditbot.jobs.Messenger`."""

    def __init__(self, client: AsyncWebClient, policy: Policy) -> None:
        self._client = client
        self._policy = policy

    async def post_card(self, channel: str, request: CreditRequest) -> tuple[str, str]:
        payload = cards.card(request, self._policy).payload()
        try:
            answer = await self._client.chat_postMessage(
                channel=channel, unfurl_links=False, unfurl_media=False, **payload
            )
        except TROUBLE as error:
            raise problem(error) from error
        return str(answer["channel"]), str(answer["ts"])

    async def update_card(self, channel: str, ts: str, request: CreditRequest) -> None:
        payload = cards.card(request, self._policy).payload()
        try:
            await self._client.chat_update(channel=channel, ts=ts, **payload)
        except TROUBLE as error:
            raise problem(error) from error

    async def send_notice(self, person: str, kind: str, request: CreditRequest) -> None:
        try:
            await self._client.chat_postMessage(
                channel=person,
                unfurl_links=False,
                unfurl_media=False,
                **cards.notice(kind, request).payload(),
            )
        except TROUBLE as error:
            raise problem(error) from error


def problem(error: Exception) -> DeliveryProblem:
    """What a failed call to Slack means for the next try."""
    if not isinstance(error, SlackApiError):
        return DeliveryProblem(f"{type(error).__name__}: {error}")
    code = error_code(error)
    headers = getattr(error.response, "headers", None) or {}
    wait = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    try:
        seconds = float(wait) if wait is not None else None
    except ValueError:
        seconds = None
    if code in LASTING:
        seconds = SELDOM
    return DeliveryProblem(code, wait=seconds, gone=code in GONE)
