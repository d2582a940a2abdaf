"""SendGrid's credit endpoints: pure readers of its answers, and below them the client that fetches them.

Sources (Twilio SendGrid API v3): "Retrieve your credit balance", "Get the Credits for a Subuser",
"Update the remaining credits for a Subuser", "List all Subusers", and the general errors page.
"""

import asyncio
import json
import math
import re
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote

import aiohttp
import httpx
import structlog
from aiohttp.connector import Connection
from httpx_aiohttp import AiohttpTransport
from rapidfuzz import fuzz, process

from .domain.credits import (
    KINDS,
    Applied,
    Balance,
    InDoubt,
    NotSent,
    PatchOutcome,
    RateLimited,
    Refused,
    SubuserCredits,
)
from .domain.errors import DomainError
from .domain.text import escape, literal, without_markup
from .elapsed import Stopwatch
from .proxies import address
from .proxy_errors import for_the_operator, said_of_proxy
from .seldom import Seldom

log = structlog.get_logger(__name__)

SCOPE_BALANCE = "user.credits.read"
SCOPE_LIST = "subusers.read"
SCOPE_CREDITS = "subusers.credits.read"
SCOPE_UPDATE = "subusers.credits.remaining.update"

SCOPES = (SCOPE_BALANCE, SCOPE_LIST, SCOPE_CREDITS, SCOPE_UPDATE)
"""All that creditbot needs."""

MAX_WAIT = 60.0
"""Seconds: the longest wait that a rate limit's header is believed."""

LARGEST_COUNT = 2**63 - 1
"""What fits a database's integer; a count beyond it is not one."""

CONNECTING = 0.8
"""The part of a call's time within which it must have a connection; aiohttp rounds up to a whole second."""

PAGE = 500
"""Subusers that are asked for at a time."""

KEPT_BODY = 4000
"""Characters of an answer that are kept in the record."""


class SendGridProblem(DomainError):
    """SendGrid did not give what was asked.

    `status` is None if no answer came. `passing` says whether trying again may help, and `wait` after
    how many seconds SendGrid said so. `no_such_user` is true for the documented 400 "No user found".
    """

    def __init__(
        self,
        sentence: str,
        *,
        status: int | None = None,
        passing: bool = False,
        wait: float | None = None,
        no_such_user: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.passing = passing
        self.wait = wait
        self.no_such_user = no_such_user


def read_balance(document: Any) -> Balance:
    """`{"remain": 200, "total": 200, "overage": 0, "used": 0, "last_reset": "2013-01-01", …}`"""
    fields = document if isinstance(document, Mapping) else {}
    return Balance(
        remain=_int(fields.get("remain")),
        total=_int(fields.get("total")),
        overage=_int(fields.get("overage")),
        used=_int(fields.get("used")),
        last_reset=_str(fields.get("last_reset")),
        next_reset=_str(fields.get("next_reset")),
        reset_frequency=_str(fields.get("reset_frequency")),
    )


def read_subuser_credits(document: Any) -> SubuserCredits:
    """`{"type": "recurring", "reset_frequency": "monthly", "remain": 99, "total": 100, "used": 1}`"""
    fields = document if isinstance(document, Mapping) else {}
    return SubuserCredits(
        type=_str(fields.get("type")),
        reset_frequency=_str(fields.get("reset_frequency")),
        remain=_int(fields.get("remain")),
        total=_int(fields.get("total")),
        used=_int(fields.get("used")),
    )


def read_usernames(document: Any) -> list[str]:
    """`[{"username": "acme", "id": 1234, "email": "a@example.com", "disabled": false}, …]`"""
    entries = document if isinstance(document, list) else []
    names = [entry.get("username") for entry in entries if isinstance(entry, Mapping)]
    return [name for name in names if isinstance(name, str)]


def read_scopes(document: Any) -> frozenset[str]:
    """`{"scopes": ["user.credits.read", …]}`"""
    scopes = document.get("scopes") if isinstance(document, Mapping) else None
    found = scopes if isinstance(scopes, list) else []
    return frozenset(scope for scope in found if isinstance(scope, str))


def read_errors(body: str) -> list[str]:
    """The messages of `{"errors": [{"message": "No user found", "field": null}]}`; no key is certain."""
    document = _json(body)
    errors = document.get("errors") if isinstance(document, Mapping) else None
    entries = errors if isinstance(errors, list) else []
    found = [error.get("message") for error in entries if isinstance(error, Mapping)]
    return [_clean(message) for message in found if isinstance(message, str) and message]


def read_patch_answer(status: int, headers: Mapping[str, str], body: str, now: float) -> PatchOutcome:
    """What an answer to the PATCH says: only a readable 200 is success, only a 4xx a certain no."""
    kept = body[:KEPT_BODY]
    if status == 200:
        found = read_subuser_credits(_json(body))
        if found.remain is not None or found.type in KINDS:
            return Applied(found, kept)
        return InDoubt("SendGrid answered 200, but its answer can't be read.", status, kept)
    if status == 429:
        return RateLimited(rate_limit_wait(headers, now), kept)
    if status == 407:
        return NotSent(explain(status, body, scope=SCOPE_UPDATE))
    if 400 <= status < 500 and status != 408:
        return Refused(status, explain(status, body, scope=SCOPE_UPDATE), kept)
    return InDoubt(
        f"SendGrid answered {status}, so it is not known whether the change was applied.", status, kept
    )


def rate_limit_wait(headers: Mapping[str, str], now: float) -> float:
    """Seconds to wait after a 429.

    `X-RateLimit-Reset` is documented both as a time since 1970 and as seconds to wait: a number above
    1e9 is the former. The wait is capped, so that a wrong header can't stop the work.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    for name in ("x-ratelimit-reset", "retry-after"):
        try:
            value = float(lower[name])
        except (KeyError, ValueError):
            continue
        if math.isfinite(value):
            wait = value - now if value > 1e9 else value
            return min(max(wait, 1.0), MAX_WAIT)
    return 5.0


ADVICE = {
    400: "Check the subuser's name and the amount.",
    401: "It does not accept creditbot's API key. Whoever runs creditbot must set SENDGRID_API_KEY "
    "to a valid key of the parent account.",
    403: "creditbot's API key may not do this. Whoever runs creditbot must give the key the scope "
    "`{scope}` in SendGrid, under Settings, API Keys.",
    404: "Whoever runs creditbot must check SENDGRID_API_URL, and that the account has subusers.",
    406: "Report this as a bug in creditbot.",
    408: "SendGrid gave up waiting. Try again in a few minutes.",
    415: "Report this as a bug in creditbot.",
    429: "SendGrid's rate limit was reached. Try again in a minute.",
    451: "SendGrid keeps this account in another region. Whoever runs creditbot must set SENDGRID_REGION to "
    "`eu` or `global`.",
}
FOR_THE_OPERATOR = frozenset({401, 403, 404, 451})
"""Statuses that only a setting or SendGrid's own settings can mend."""

QUIET = 600.0
"""Seconds for which such a status is not logged again."""

LATER = "Try again in a few minutes."
PROXY_ADVICE = "Whoever runs creditbot must have the proxy let it through, or set HTTPS_PROXY or NO_PROXY."
SERVER_ADVICE = "SendGrid has a problem. Try again in a few minutes."
OTHER_ADVICE = "Try again, or ask whoever runs creditbot."


def explain(status: int, body: str, *, scope: str) -> str:
    """What an error status means and what to do about it; `scope` is what the call needs of the key."""
    if status == 407:  # only a proxy says so, where it is not asked for a tunnel: SENDGRID_API_URL is http
        return f"The proxy asks for a name and a password (407). {PROXY_ADVICE}"
    said = "; ".join(read_errors(body))
    quoted = f": “{escape(said[:300])}”" if said else ""
    advice = ADVICE.get(status, SERVER_ADVICE if status >= 500 else OTHER_ADVICE)
    return f"SendGrid answered {status}{quoted}. {advice.format(scope=scope)}"


def says_no_such_user(status: int, body: str) -> bool:
    """A subuser that does not exist gives 400 with this message, not 404."""
    return status in {400, 404} and any("no user found" in message.lower() for message in read_errors(body))


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


def path_segment(name: str) -> str:
    """A name as one segment of a path: everything but letters, digits and `_.-~` is percent-encoded."""
    if name in {"", ".", ".."}:
        raise ValueError(f"{name!r} can't be a segment of a path")
    return quote(name, safe="")


def subuser_header(name: str) -> str:
    """A subuser's name as `on-behalf-of` has it: one that would mean a customer account there is refused."""
    if name.lower().startswith("account-id"):
        raise ValueError(f"{name!r} would mean a customer account")
    return name


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _int(value: Any) -> int | None:
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if abs(value) <= LARGEST_COUNT else None


def _str(value: Any) -> str | None:
    return _clean(value) if isinstance(value, str) and value else None


def _clean(text: str) -> str:
    """JSON may hold half a character (a lone surrogate), which no database takes."""
    return text.encode("utf-8", "replace").decode()


class SendGrid:
    """The client. Reads raise SendGridProblem; the PATCH never raises but answers with a PatchOutcome.

    The PATCH has connections of its own that are used once: a kept one may have been closed by the
    other side, and finding that out only when sending would leave a doubt for nothing.
    """

    def __init__(
        self,
        reads: httpx.AsyncClient,
        writes: httpx.AsyncClient,
        timeout: float,
        api_key: str,
        proxy: str | None,
    ) -> None:
        self._reads = reads
        self._writes = writes
        self._api_key = api_key
        self._proxy = None if proxy is None else address(proxy)
        self._seldom = Seldom(1, QUIET)
        self.timeout = timeout

    @classmethod
    def connect(
        cls,
        api_key: str,
        url: str,
        timeout: float = 10.0,
        *,
        proxy: str | None = None,
        stopwatch: Callable[[], Stopwatch] = Stopwatch,
    ) -> "SendGrid":
        """Build both clients, once in a process. `timeout` is the seconds that a whole call may take."""
        reads = _client(api_key, url, timeout, aiohttp.TCPConnector(limit=200), proxy)
        writes = _client(api_key, url, timeout, PromptConnector(timeout, stopwatch), proxy)
        return cls(reads, writes, timeout, api_key, proxy)

    async def close(self) -> None:
        await self._reads.aclose()
        await self._writes.aclose()

    async def balance(self, on_behalf_of: str | None = None) -> Balance:
        """`GET /v3/user/credits`, of the parent, a subuser (its name), or `account-id N`."""
        headers = {}
        if on_behalf_of is not None:
            # A header carries bytes; httpx would refuse a name that is not ASCII.
            headers["on-behalf-of"] = on_behalf_of
        return read_balance(
            await self._get("/v3/user/credits", SCOPE_BALANCE, headers=_header_bytes(headers))
        )

    async def subuser_credits(self, name: str) -> SubuserCredits:
        """`GET /v3/subusers/{name}/credits`"""
        return read_subuser_credits(
            await self._get(f"/v3/subusers/{path_segment(name)}/credits", SCOPE_CREDITS)
        )

    async def usernames(self, most: int | None = None) -> list[str]:
        """The names of all subusers, or of the first so many, by pages of `GET /v3/subusers`.

        The list says nowhere whether there is more, and how long a page may be is not documented: it ends
        with a page on which there is nothing new.
        """
        known: dict[str, None] = {}
        offset = 0
        while most is None or len(known) < most:
            params = {"limit": str(PAGE), "offset": str(offset)}
            page = await self._get("/v3/subusers", SCOPE_LIST, params=params)
            names = read_usernames(page)
            if known.keys() >= set(names):
                break
            known |= dict.fromkeys(names)
            offset += len(page)
        return list(known)

    async def scopes(self) -> frozenset[str]:
        """What the key may do: `GET /v3/scopes`, which takes no scope itself."""
        return read_scopes(await self._get("/v3/scopes", "", tell=False))

    async def names_like(self, name: str, most: int = 3) -> list[str]:
        """Names of subusers that look like `name`, among the first thousands."""
        return near_matches(name, await self.usernames(2000), most)

    async def unknown_name(self, name: str) -> str:
        """A sentence for a name that SendGrid does not know, with the names that it may have meant."""
        try:
            near = await self.names_like(name)
        except SendGridProblem:
            near = []
        return no_subuser(name, near)

    async def update_remaining(self, name: str, allocation_update: int) -> PatchOutcome:
        """`PATCH /v3/subusers/{name}/credits/remaining {"allocation_update": N}`, sent once.

        N is positive to add and negative to remove. If the task is cancelled meanwhile, the outcome is
        not known to anyone: the caller has to record that.
        """
        try:
            async with asyncio.timeout(self.timeout):
                answer = await self._writes.patch(
                    f"/v3/subusers/{path_segment(name)}/credits/remaining",
                    json={"allocation_update": allocation_update},
                )
            body = self._body(answer)
            outcome = read_patch_answer(answer.status_code, answer.headers, body, time.time())
        except TimeoutError:
            return InDoubt(f"SendGrid did not answer within {self.timeout:g} seconds.")
        except Exception as error:  # noqa: BLE001 - whatever broke, the question is only: was it sent?
            why = self._why(error)
            if never_sent(error):
                return NotSent(f"No connection to SendGrid ({why}).")
            return InDoubt(f"The connection to SendGrid broke before its answer came ({why}).")
        if isinstance(outcome, Refused) and not says_no_such_user(outcome.status, body):
            self._log(outcome.status, outcome.sentence)
        return outcome

    async def _get(
        self,
        path: str,
        scope: str,
        *,
        headers: Mapping[bytes, bytes] | None = None,
        params: Mapping[str, str] | None = None,
        tell: bool = True,
    ) -> Any:
        try:
            async with asyncio.timeout(self.timeout):
                answer = await self._reads.get(path, headers=headers, params=params)
        except TimeoutError:
            raise SendGridProblem(
                f"SendGrid did not answer within {self.timeout:g} seconds. Try again in a few minutes.",
                passing=True,
            ) from None
        except (httpx.HTTPError, aiohttp.ClientError, OSError) as error:
            advice = PROXY_ADVICE if for_the_operator(_cause(error)) else LATER
            raise SendGridProblem(
                f"SendGrid can't be reached ({self._why(error)}). {advice}", passing=True
            ) from error
        body = self._body(answer)
        document = _json(body)
        if answer.status_code == 200 and isinstance(document, dict | list):
            return document
        found = problem(answer.status_code, answer.headers, body, scope)
        if tell and not found.no_such_user:
            self._log(answer.status_code, found.sentence)
        raise found

    def _why(self, error: Exception) -> str:
        """What broke a call; of a proxy that lets nothing through, whoever runs creditbot hears as well."""
        cause = _cause(error)
        if (said := said_of_proxy(cause)) is not None:
            if for_the_operator(cause) and self._seldom.left_out("proxy") is not None:
                log.error(f"SendGrid can't be reached: {said}. Check HTTPS_PROXY and NO_PROXY.")
            return said
        kind = type(cause).__name__
        return kind if self._proxy is None else f"{kind}, through the proxy {self._proxy}"

    def _log(self, status: int, sentence: str) -> None:
        """Have whoever runs creditbot hear what only they can mend, though not each time that people do."""
        if status in FOR_THE_OPERATOR and self._seldom.left_out(str(status)) is not None:
            log.error(without_markup(sentence), status=status)

    def _body(self, answer: httpx.Response) -> str:
        """What SendGrid wrote, which is kept and shown: without the key, should it ever repeat that."""
        return answer.text.replace(self._api_key, "[redacted]")


def problem(status: int, headers: Mapping[str, str], body: str, scope: str) -> SendGridProblem:
    """The error for an answer that is not a readable 200."""
    if status == 200:
        return SendGridProblem(
            "SendGrid's answer can't be read. Try again in a few minutes.", status=200, passing=True
        )
    return SendGridProblem(
        explain(status, body, scope=scope),
        status=status,
        passing=status >= 500 or status in {408, 429},
        wait=rate_limit_wait(headers, time.time()) if status == 429 else None,
        no_such_user=says_no_such_user(status, body),
    )


def no_subuser(name: str, near: Iterable[str] = ()) -> str:
    """What is said of a name that SendGrid does not know, with those that may have been meant."""
    meant = " or ".join(map(literal, near))
    question = f" Did you mean {meant}?" if meant else ""
    return f"SendGrid has no subuser {literal(name)}.{question} Type the username as SendGrid spells it."


ALIKE = 60.0
"""Of 100: the share of letters, in their order, that two names must have in common to look alike."""


def near_matches(name: str, known: Iterable[str], most: int) -> list[str]:
    """The known names closest to `name`, never `name` itself.

    First those that differ in nothing but case, padding of numbers and separators (`Brand 7`: brand-07), then
    those that look alike, then those that begin so.
    """
    by_key: dict[str, list[str]] = {}
    for candidate in sorted(set(known) - {name}):
        by_key.setdefault(_key(candidate), []).append(candidate)
    wanted = _key(name)
    close = [
        key
        for key, *_ in process.extract(
            wanted, by_key.keys(), scorer=fuzz.ratio, limit=most, score_cutoff=ALIKE
        )
    ]
    begins = sorted(key for key in by_key if key.startswith(wanted))
    keys = dict.fromkeys([wanted, *close, *begins])
    return [candidate for key in keys for candidate in by_key.get(key, [])][:most]


def _key(name: str) -> str:
    """What people take for the same name: `Brand_007` and `brand-7`."""
    return re.sub(
        r"[-_. ]+", "-", re.sub(r"\d+", lambda digits: digits[0].lstrip("0") or "0", name.casefold())
    )


def _header_bytes(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    return {name.encode(): value.encode() for name, value in headers.items()}


def _cause(error: BaseException) -> BaseException:
    """What has really happened, below what httpx and PromptConnector call it."""
    while isinstance(error, httpx.HTTPError | NotConnected) and error.__cause__ is not None:
        error = error.__cause__
    return error


def _client(
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
