"""Connections to SendGrid, of which it is known whether anything was sent."""

import ssl
from collections.abc import Callable
from typing import Any

import aiohttp
import httpx
from aiohttp.connector import Connection
from httpx_aiohttp import AiohttpTransport

from creditbot.elapsed import Stopwatch

CONNECTING = 0.8
"""The part of a call's time within which it must have a connection; aiohttp rounds up to a whole second."""


def never_sent(error: Exception) -> bool:
    """True only if no connection was made, so that SendGrid can't have seen a byte.

    httpx-aiohttp reports every lost connection as httpx.ConnectTimeout, also one that broke after the
    request was written (ServerDisconnectedError, a reset). So aiohttp's own error decides where there
    is one: connecting failed, or it took too long, or PromptConnector says so. httpx's names count only
    without it.
    """
    cause = error.__cause__
    if isinstance(cause, aiohttp.ClientError):
        return isinstance(cause, NEVER_CONNECTED)
    return isinstance(
        error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.UnsupportedProtocol
    )


class NotConnected(aiohttp.ClientConnectionError):
    """It broke before there was a connection to send a request on; the cause says how.

    A proxy may answer no when it is asked for a tunnel, or hang up, which raises what a lost answer raises.
    """


NEVER_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, NotConnected)


class PromptConnector(aiohttp.TCPConnector):
    """Makes a connection within so many seconds by the clock, or none.

    asyncio's timeouts stand still while the machine sleeps, and what was to be sent before must not leave
    when it wakes up. Whatever goes wrong here is one of `NEVER_CONNECTED`, or a TimeoutError, of which
    aiohttp makes one.
    """

    def __init__(self, within: float, stopwatch: Callable[[], Stopwatch]) -> None:
        super().__init__(limit=100, force_close=True)
        self._within = within
        self._stopwatch = stopwatch

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - fixed signature
    ) -> Connection:
        connecting = self._stopwatch()
        try:
            connection = await super().connect(req, traces, timeout)
        except (*NEVER_CONNECTED, TimeoutError):
            raise
        except Exception as error:
            raise NotConnected(type(error).__name__) from error
        if connecting.seconds() > self._within:
            connection.close()
            raise aiohttp.ConnectionTimeoutError("this machine was suspended in the meantime")
        return connection


def cause_of(error: BaseException) -> BaseException:
    """What has really happened, below what httpx and PromptConnector call it."""
    while isinstance(error, httpx.HTTPError | NotConnected) and error.__cause__ is not None:
        error = error.__cause__
    return error


def open_client(
    api_key: str, url: str, timeout: float, connector: aiohttp.BaseConnector, proxy: str | None
) -> httpx.AsyncClient:
    # Nothing is taken from the environment or ~/.netrc, which neither `trust_env` reads unless told to.
    session = aiohttp.ClientSession(connector=connector, proxy=proxy, auto_decompress=False)
    return httpx.AsyncClient(
        base_url=url,
        # TLS is the session's. The transport is given a context that trusts nobody and is never used: to make
        # its own it would read all certificates of the machine once more, which takes 20 ms.
        transport=AiohttpTransport(client=session, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)),
        # `pool` is all that comes before sending, an answer of a proxy included. It ends before the whole
        # call does, so that a call that takes too long is known to have been sent, or not.
        timeout=httpx.Timeout(timeout, connect=min(3.0, timeout), pool=CONNECTING * timeout),
        headers={
            "authorization": f"Bearer {api_key}",
            "accept": "application/json",
            "user-agent": "creditbot",
        },
        trust_env=False,
    )
