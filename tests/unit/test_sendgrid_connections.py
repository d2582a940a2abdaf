"""Of a connection that broke it is known whether anything was sent."""

import aiohttp
import httpx
import pytest
from aiohttp.client_reqrep import ConnectionKey

from creditbot.sendgrid.connections import never_sent

KEY = ConnectionKey("api.sendgrid.com", 443, True, True, None, None, None)


def raised(error: Exception, cause: BaseException | None) -> Exception:
    """The error as a caller catches it, with what it was raised from."""
    try:
        raise error from cause
    except type(error) as caught:
        return caught


@pytest.mark.parametrize(
    "cause",
    [
        aiohttp.ClientConnectorError(KEY, ConnectionRefusedError(111, "refused")),
        aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "no such name")),
        aiohttp.ClientConnectorSSLError(KEY, OSError(1, "handshake")),
        aiohttp.ConnectionTimeoutError("connecting took too long"),
    ],
    ids=lambda cause: type(cause).__name__,
)
@pytest.mark.parametrize("wrapper", [httpx.ConnectTimeout, httpx.ConnectError, httpx.TimeoutException])
def test_a_connection_that_was_never_made_carried_nothing(
    wrapper: type[httpx.TransportError], cause: Exception
) -> None:
    assert never_sent(raised(wrapper("x"), cause))


@pytest.mark.parametrize(
    "cause",
    [
        aiohttp.ServerDisconnectedError(),
        aiohttp.ClientOSError(104, "reset by peer"),
        aiohttp.ClientConnectionError("lost"),
        aiohttp.ClientConnectionResetError("closing"),
        aiohttp.SocketTimeoutError("no answer"),
        aiohttp.ServerTimeoutError("no answer"),
        aiohttp.ClientPayloadError("cut short"),
    ],
    ids=lambda cause: type(cause).__name__,
)
@pytest.mark.parametrize(
    "wrapper", [httpx.ConnectTimeout, httpx.ConnectError, httpx.ReadTimeout, httpx.ReadError]
)
def test_a_connection_that_broke_may_have_carried_the_change(
    wrapper: type[httpx.TransportError], cause: Exception
) -> None:
    # httpx-aiohttp calls most of these ConnectTimeout.
    assert not never_sent(raised(wrapper("x"), cause))


@pytest.mark.parametrize(
    ("error", "certain"),
    [
        (httpx.ConnectError("x"), True),
        (httpx.ConnectTimeout("x"), True),
        (httpx.PoolTimeout("x"), True),
        (httpx.UnsupportedProtocol("x"), True),
        (httpx.ReadTimeout("x"), False),
        (httpx.WriteTimeout("x"), False),
        (httpx.ReadError("x"), False),
        (httpx.WriteError("x"), False),
        (httpx.RemoteProtocolError("x"), False),
        (httpx.ProxyError("x"), False),
        (TimeoutError("x"), False),
        (OSError("x"), False),
        (ValueError("x"), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_without_a_cause_only_the_names_of_a_failed_connect_are_certain(
    error: Exception, certain: bool
) -> None:
    assert never_sent(error) is certain
