"""Which proxy a connection goes through, as the environment says; read once, at the start.

The variables are those that curl and most programs read: `HTTPS_PROXY` for https and wss, `HTTP_PROXY` for
http and ws, `ALL_PROXY` where that is not set, and `NO_PROXY` for what is reached directly. A name in lower
case comes first, and an empty value means no proxy. curl.se/docs/manpage.html#ENVIRONMENT

The libraries that open connections would each read some of these by rules of their own. They are told
instead.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Self

from yarl import URL

from creditbot.domain.secrecy import by_themselves

EXAMPLE = "http://proxy.example:3128"
KINDS = frozenset({"http", "https"})
OTHER_KINDS = frozenset({"socks", "socks4", "socks4a", "socks5", "socks5h"})


class WrongProxy(Exception):
    """A variable does not hold a proxy's address; the text names it, and nothing of what it holds."""


@dataclass(frozen=True, slots=True)
class Proxies:
    """The addresses of the proxies, with name and password, and the hosts that are reached without one."""

    http: str | None = field(default=None, repr=False)
    https: str | None = field(default=None, repr=False)
    no_proxy: tuple[str, ...] = ()

    @classmethod
    def of(cls, environ: Mapping[str, str | None]) -> Self:
        """What a mapping such as `os.environ` says.

        Raises:
            WrongProxy: one of the variables that count is not the address of an HTTP proxy.
        """
        return cls(
            _proxy(environ, "HTTP_PROXY"),
            _proxy(environ, "HTTPS_PROXY"),
            tuple(re.findall(r"[^\s,]+", (_variable(environ, "NO_PROXY")[1] or "").lower())),
        )

    def for_url(self, url: str) -> str | None:
        """The proxy for this address, as aiohttp and slack_sdk take it; None to connect directly.

        None also for what is no address: whoever connects finds that out.
        """
        try:
            parsed = URL(url)
        except ValueError:
            return None
        proxy = self.http if parsed.scheme in {"http", "ws"} else self.https
        host, port = (parsed.raw_host or "").rstrip("."), parsed.port
        if proxy is None or any(_is_meant(entry, host, port) for entry in self.no_proxy):
            return None
        return proxy

    def secrets(self) -> list[str]:
        """The forms in which a proxy's name and password may come along, none of which may be shown."""
        found = []
        for proxy in filter(None, {self.http, self.https}):
            url = URL(proxy)
            if url.raw_user is None and url.raw_password is None:
                continue
            authority, _, _ = proxy.partition("://")[2].rpartition("@")
            login = f"{url.user or ''}:{url.password or ''}".encode("latin-1")
            secret, raw = url.password or url.user, url.raw_password or url.raw_user
            found += [f"{authority}@", b64encode(login).decode()]
            found += by_themselves(filter(None, {secret, raw}))
        return found


DIRECT = Proxies()
"""No proxy for anything."""


def address(proxy: str | URL) -> str:
    """A proxy as people are told of it: host and port, never its name and password."""
    url = URL(proxy)
    return f"{url.host_subcomponent}:{url.port}"


def _variable(environ: Mapping[str, str | None], name: str) -> tuple[str, str | None]:
    """A variable by the name under which it is set, and its value; None if it is not set at all."""
    for spelling in (name.lower(), name):
        value = environ.get(spelling)
        if value is not None:
            return spelling, value.strip()
    return name, None


def _proxy(environ: Mapping[str, str | None], name: str) -> str | None:
    name, value = _variable(environ, name)
    if value is None:
        name, value = _variable(environ, "ALL_PROXY")
    return _checked(name, value) if value else None


def _checked(name: str, value: str) -> str:
    """The address in the form that aiohttp gives it. The value is not repeated: a password may be in it."""
    scheme, separator, _ = value.partition("://")
    if separator and scheme.lower() in OTHER_KINDS:
        raise WrongProxy(
            f"{name} is wrong: it names a SOCKS proxy; creditbot knows only HTTP proxies, such as {EXAMPLE}."
        )
    try:
        url = URL(value if separator else f"http://{value}")
        ":".join((url.user or "", url.password or "")).encode("latin-1")
    except ValueError:
        url = None
    if (
        url is None
        or url.scheme not in KINDS
        or re.fullmatch(r"[\w.:-]+", url.raw_host or "") is None
        or not url.port
        or ":" in (url.user or "")
        or (url.raw_path, url.raw_query_string, url.raw_fragment) not in {("/", "", ""), ("", "", "")}
        or not value.isprintable()
    ):
        raise WrongProxy(
            f"{name} is wrong: it is not the address of a proxy, which looks like {EXAMPLE}; in a name or "
            "password, write @ as %40, # as %23 and / as %2F."
        )
    return str(url)


def _is_meant(entry: str, host: str, port: int | None) -> bool:
    """Whether an entry of NO_PROXY means this host.

    `*` means every host, `example.com`, `.example.com` and `*.example.com` that domain with all below it, and
    `10.0.0.0/8` a network; with a port behind it, only that port.
    """
    if entry == "*":
        return True
    if (found := re.fullmatch(r"(\[.+\]|[^:]+):(\d+)", entry)) is not None:
        if int(found[2]) != port:
            return False
        entry = found[1]
    entry = entry.strip("[]")
    try:
        return ip_address(host) in ip_network(entry, strict=False)
    except ValueError:  # one of them is a name
        name = entry.removeprefix("*").strip(".")
        return bool(name) and f".{host}".endswith(f".{name}")
