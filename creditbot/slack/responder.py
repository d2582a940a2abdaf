"""Private answers, by whatever way gets through: where someone acted, or else by direct message."""

import asyncio

import aiohttp
import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient
from slack_sdk.webhook.webhook_response import WebhookResponse

from creditbot.domain.documents import read_document
from creditbot.network.proxies import DIRECT, Proxies

from .bounds import Json
from .errors import TROUBLE, error_code
from .message import Message
from .naming import Naming
from .new_blocks import REFUSED, NewBlocks
from .proxied import through

PATIENCE = 5.0
"""Seconds for one way, before the next one is tried."""

log = structlog.get_logger(__name__)


class Responder:
    """Says things to one person only.

    If Slack gives no answer in time, it may have taken it; then it is better said twice than never.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        session: aiohttp.ClientSession,
        naming: Naming,
        new_blocks: NewBlocks,
        proxies: Proxies = DIRECT,
    ) -> None:
        self._client = client
        self._session = session
        self._naming = naming
        self._new_blocks = new_blocks
        self._proxies = proxies

    async def privately(
        self,
        message: Message,
        *,
        response_url: str | None,
        channel: str,
        user: str,
        replace: bool = False,
    ) -> None:
        """Say something to one person where they acted; `replace`: in the place of what they clicked.

        Where that fails, they get a direct message.
        """
        said = (
            (response_url is not None and await self.answer(response_url, message, replace=replace))
            or (channel and await self._post_ephemeral(channel, user, message))
            or await self._post_directly(user, message)
        )
        if not said:
            log.warning("Someone was left without an answer", user=user)

    async def answer(self, response_url: str, message: Message, *, replace: bool = False) -> bool:
        """Answer an interaction, and return whether Slack took it: up to five within 30 minutes."""
        # Building one is cheap; the session with its connections is what must be shared.
        webhook = through(
            AsyncWebhookClient(response_url, session=self._session, retry_handlers=[]),
            self._proxies.for_url(response_url),
        )
        tries = self._new_blocks.tries(self._naming.payload(message.payload()))
        refusal = await self._answer(webhook, tries.first, replace=replace)
        if refusal == REFUSED and tries.instead is not None:
            refusal = await self._answer(webhook, tries.instead, replace=replace)
            if refusal is None:
                self._new_blocks.learn(tries.first)
        if refusal is not None:
            log.warning("A private answer was not taken", error=refusal)
        return refusal is None

    async def _answer(self, webhook: AsyncWebhookClient, payload: Json, *, replace: bool) -> str | None:
        """Answer once, and return what Slack says against it."""
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await webhook.send(
                    text=payload["text"],
                    blocks=payload.get("blocks"),
                    response_type="ephemeral",
                    replace_original=replace,
                )
        except TROUBLE as error:
            return error_code(error)
        return refusal_of(answer)

    async def _post_ephemeral(self, channel: str, user: str, message: Message) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._client.chat_postEphemeral(channel=channel, user=user, **message.payload())
        except TROUBLE as error:
            about = {"channel": channel, "user": user, "error": error_code(error)}
            log.warning("A private message could not be posted", **about)
            return False
        return True

    async def _post_directly(self, user: str, message: Message) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._client.chat_postMessage(
                    channel=user, unfurl_links=False, unfurl_media=False, **message.payload()
                )
        except TROUBLE as error:
            log.warning("A direct message could not be posted", user=user, error=error_code(error))
            return False
        return True


def refusal_of(answer: WebhookResponse) -> str | None:
    """What a response URL says against a message; None if it took it.

    Slack's word stands in JSON, with whatever status, or is the whole body; other bodies are a proxy's page.
    """
    body = read_document(answer.body)
    if body is not None and body.get("ok") is False:
        return str(body.get("error"))[:100]
    if answer.status_code == 200:
        return None
    word = answer.body.strip()
    return word if word == REFUSED else f"HTTP {answer.status_code}: {word[:200]}"
