"""The client: SendGrid's credit endpoints, a method for each call."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

import aiohttp
import httpx
import structlog

from creditbot.domain.credits import (
    Balance,
    InDoubt,
    NotSent,
    PatchOutcome,
    Refused,
    SubuserCredits,
)
from creditbot.domain.markup import without_markup
from creditbot.elapsed import Stopwatch
from creditbot.network.proxies import address
from creditbot.network.proxy_errors import for_the_operator, said_of_proxy
from creditbot.seldom import Seldom

from .answers import read_balance, read_json, read_scopes, read_subuser_credits, read_usernames
from .budget import Budget
from .connections import PromptConnector, cause_of, never_sent, open_client
from .names import near_matches, no_subuser, path_segment
from .outcomes import read_patch_answer
from .problems import FOR_THE_OPERATOR, LATER, PROXY_ADVICE, SendGridProblem, problem, says_no_such_user
from .scopes import SCOPE_BALANCE, SCOPE_CREDITS, SCOPE_LIST

log = structlog.get_logger(__name__)

PAGE = 500
"""Subusers that are asked for at a time."""

QUIET = 600.0
"""Seconds for which such a status is not logged again."""


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
        *,
        proxy: str | None,
        budget: Budget,
        hurried: bool = True,
    ) -> None:
        self._reads = reads
        self._writes = writes
        self._api_key = api_key
        self._proxy = proxy
        self._budget = budget
        self._hurried = hurried
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
        reads = open_client(api_key, url, timeout, aiohttp.TCPConnector(limit=200), proxy)
        writes = open_client(api_key, url, timeout, PromptConnector(timeout, stopwatch), proxy)
        shown = None if proxy is None else address(proxy)
        return cls(reads, writes, timeout, api_key, proxy=shown, budget=Budget())

    def unhurried(self) -> "SendGrid":
        """The same, for reading what nobody waits for: it asks SendGrid only for what people leave.

        Its reads raise NoRoom, a SendGridProblem that passes, where that is nothing at the moment.
        """
        return SendGrid(
            self._reads,
            self._writes,
            self.timeout,
            self._api_key,
            proxy=self._proxy,
            budget=self._budget,
            hurried=False,
        )

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
            self._budget.called()
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
        self._budget.answered(answer.status_code, answer.headers, time.time())
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
            async with self._turn(), asyncio.timeout(self.timeout):
                self._budget.called()
                answer = await self._reads.get(path, headers=headers, params=params)
        except TimeoutError:
            raise SendGridProblem(
                f"SendGrid did not answer within {self.timeout:g} seconds. Try again in a few minutes.",
                passing=True,
            ) from None
        except (httpx.HTTPError, aiohttp.ClientError, OSError) as error:
            advice = PROXY_ADVICE if for_the_operator(cause_of(error)) else LATER
            raise SendGridProblem(
                f"SendGrid can't be reached ({self._why(error)}). {advice}", passing=True
            ) from error
        self._budget.answered(answer.status_code, answer.headers, time.time())
        body = self._body(answer)
        document = read_json(body)
        if answer.status_code == 200 and isinstance(document, dict | list):
            return document
        found = problem(answer.status_code, answer.headers, body, scope)
        if tell and not found.no_such_user:
            self._log(answer.status_code, found.sentence)
        raise found

    def _turn(self) -> AbstractAsyncContextManager[None]:
        return nullcontext() if self._hurried else self._budget.unhurried()

    def _why(self, error: Exception) -> str:
        """What broke a call; of a proxy that lets nothing through, whoever runs creditbot hears as well."""
        cause = cause_of(error)
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


def _header_bytes(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    return {name.encode(): value.encode() for name, value in headers.items()}
