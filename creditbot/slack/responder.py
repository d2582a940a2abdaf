"""Private answers: through an interaction's response_url, or as an ephemeral message."""

import aiohttp
import structlog
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from .message import Message
from .naming import Naming

log = structlog.get_logger(__name__)

TROUBLE = (SlackClientError, aiohttp.ClientError, TimeoutError, OSError)
"""What a call to Slack raises when it does not work out."""


class Responder:
    """Says things to one person only. What can't be said is logged: nothing depends on it."""

    def __init__(self, client: AsyncWebClient, session: aiohttp.ClientSession, naming: Naming) -> None:
        self._client = client
        self._session = session
        self._naming = naming

    async def privately(
        self,
        message: Message,
        *,
        response_url: str | None,
        channel: str,
        user: str,
        replace: bool = False,
    ) -> None:
        """Say something to one person where they acted; `replace`: in the place of what they clicked."""
        if response_url is not None:
            await self.answer(response_url, message, replace=replace)
        elif channel:
            await self._whisper(channel, user, message)

    async def answer(self, response_url: str, message: Message, *, replace: bool = False) -> None:
        """Answer an interaction; Slack takes up to five answers within 30 minutes."""
        # Building one is cheap; the session with its connections is what must be shared.
        webhook = AsyncWebhookClient(response_url, session=self._session, retry_handlers=[])
        payload = self._naming.payload(message.payload())
        try:
            answer = await webhook.send(
                text=payload["text"],
                blocks=payload.get("blocks"),
                response_type="ephemeral",
                replace_original=replace,
            )
        except TROUBLE as error:
            log.warning("A private answer could not be given", error=str(error))
            return
        if answer.status_code != 200:
            log.warning("A private answer was not taken", status=answer.status_code, body=answer.body[:200])

    async def _whisper(self, channel: str, user: str, message: Message) -> None:
        try:
            await self._client.chat_postEphemeral(channel=channel, user=user, **message.payload())
        except TROUBLE as error:
            log.warning("A private message could not be posted", channel=channel, user=user, error=str(error))
