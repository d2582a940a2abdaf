"""What is said of a connection that failed at a proxy."""

from http import HTTPStatus

import aiohttp

from .proxies import address


def said_of_proxy(error: BaseException) -> str | None:
    """What became of a connection at the proxy, as the end of a sentence; None if no proxy is to blame.

    aiohttp's own text has the proxy's address with its password, and the proxy's may have anything.
    """
    match error:
        case aiohttp.ClientHttpProxyError():
            return f"the proxy {address(error.request_info.real_url)} refused it with {_named(error.status)}"
        case aiohttp.ClientProxyConnectionError():
            return f"the proxy {error.host}:{error.port} can't be reached"
    return None


def for_the_operator(error: BaseException) -> bool:
    """Whether the proxy's no is one that only a setting can change, such as its asking for a password."""
    return isinstance(error, aiohttp.ClientHttpProxyError) and error.status < 500


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
