"""slack_sdk's clients, told which proxy they go through."""

from typing import TypeVar

from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

Client = TypeVar("Client", AsyncWebClient, AsyncWebhookClient, SocketModeClient)


def through(client: Client, proxy: str | None) -> Client:
    """The client, going through this proxy or none.

    One that is built without a proxy takes whatever the environment has, and knows no NO_PROXY.
    """
    client.proxy = proxy
    return client
