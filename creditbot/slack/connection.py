"""Getting in touch with Slack: the token is checked once, and Socket Mode is kept open."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import structlog
from slack_bolt.adapter.socket_mode.async_base_handler import AsyncBaseSocketModeHandler
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.network.proxies import DIRECT, Proxies
from creditbot.network.proxy_errors import for_the_operator, said_of_proxy
from creditbot.seldom import Seldom

from .envelopes import CheckingClient
from .errors import TROUBLE, error_code, retry_after
from .home import Home
from .payloads import UnreadablePayload, read
from .proxied import through
from .switchboard import delivery

WRONG_TOKEN = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "not_allowed_token_type",
    }
)
LONGEST_WAIT = 15.0

LONGEST_PAUSE = 300.0
"""Seconds for which Slack is left alone at most, whatever it asks for."""

BETWEEN_TOKEN_CHECKS = 60.0

log = structlog.get_logger(__name__)


class WrongToken(Exception):
    """Slack does not accept a token, which only a person can mend; the text says how."""


def wrong_bot_token(code: str) -> str:
    return (
        f"SLACK_BOT_TOKEN is wrong: Slack says {code}. Copy the Bot User OAuth Token (xoxb-…) from OAuth & "
        "Permissions in your Slack app."
    )


def wrong_app_token(code: str) -> str:
    return (
        f"SLACK_APP_TOKEN is wrong: Slack says {code}. Copy an App-Level Token (xapp-…) with the scope "
        "connections:write from Basic Information in your Slack app."
    )


async def check_bot_token(client: AsyncWebClient, home: Home) -> None:
    """Ask Slack once whether the bot token is good, and which workspace this is.

    Slack being away is no reason not to start.

    Raises:
        WrongToken: Slack says that it is not.
    """
    try:
        async with asyncio.timeout(5):
            answer = await client.auth_test()
    except SlackApiError as error:
        code = error_code(error)
        if code in WRONG_TOKEN:
            raise WrongToken(wrong_bot_token(code)) from error
        log.warning("The bot token could not be checked with Slack; going on", error=code)
    except TROUBLE as error:
        log.warning("Slack can't be reached; going on", error=error_code(error))
    else:
        home.learn(answer)
        log.info("Slack accepts the bot token", team=answer.get("team"), bot=answer.get("user"))


async def learn_workspace(client: AsyncWebClient, home: Home, every: float = 60.0) -> None:
    """Ask every so many seconds which workspace this is, until Slack has told."""
    while not home.known:
        await asyncio.sleep(every)
        try:
            home.learn(await client.auth_test())
        except TROUBLE as error:
            log.debug("Slack did not report which workspace this is; trying again", error=error_code(error))


class TokenCheck:
    """A check for `Probes`: whether Slack still takes the bot token, asked once a minute at most."""

    def __init__(self, client: AsyncWebClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._ask_at = clock() + BETWEEN_TOKEN_CHECKS  # at the start it is asked anyway
        self._refused: str | None = None
        self._stopped_by: str | None = None

    async def __call__(self) -> str | None:
        if self._clock() >= self._ask_at:
            self._ask_at = self._clock() + BETWEEN_TOKEN_CHECKS
            await self._ask()
        return self._stopped_by or self._refused

    async def _ask(self) -> None:
        """A Slack that is away, or has other troubles, says nothing of the token."""
        try:
            async with asyncio.timeout(2):
                await self._client.auth_test()
        except TROUBLE as error:
            code = error_code(error)
            if code in WRONG_TOKEN:
                log.error(wrong_bot_token(code))  # noqa: TRY400 - the sentence says it all
                self._refused = f"Slack refuses SLACK_BOT_TOKEN ({code})"
            self._stopped_by = f"Slack can't be reached: {code}" if for_the_operator(error) else None
        else:
            self._refused = self._stopped_by = None


class PatientClient(CheckingClient):
    """Asks Slack for the address of a connection as often as it takes, and leaves it alone when told to.

    slack_sdk would ask every few seconds, whatever Slack says.
    """

    def __init__(
        self,
        app_token: str,
        *,
        logger: logging.Logger,
        web_client: AsyncWebClient,
        proxies: Proxies,
        ping_interval: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(app_token, logger=logger, web_client=web_client, ping_interval=ping_interval)
        self._proxies = proxies
        self._sleep = sleep
        self._seldom = Seldom(1, 60)
        self.was_open = False
        self.stopped_by: str | None = None

    async def issue_new_wss_url(self) -> str:
        """The address for one connection, which is made next, through the proxy for its host.

        Raises:
            WrongToken: Slack does not accept the app token, and has not before.
        """
        wait = 0.5
        while True:
            try:
                answer = await self.web_client.apps_connections_open(app_token=self.app_token)
            except TROUBLE as error:
                code = error_code(error)
                self.stopped_by = said_of_proxy(error)
                seconds = max(wait, min(retry_after(error) or 0.0, LONGEST_PAUSE))
                if code not in WRONG_TOKEN:
                    log.warning("Socket Mode could not be opened; trying again", error=code, seconds=seconds)
                elif not self.was_open:
                    raise WrongToken(wrong_app_token(code)) from error
                elif self._seldom.left_out(code) is not None:
                    log.error(wrong_app_token(code))  # noqa: TRY400 - likewise
                await self._sleep(seconds)
                wait = min(wait * 2, LONGEST_WAIT)
            else:
                url = str(answer["url"])
                through(self, self._proxies.for_url(url))
                self.stopped_by = None
                return url


class ReadingHandler(AsyncBaseSocketModeHandler):
    """Takes envelopes from slack_sdk's client and gives Bolt their payloads, already read."""

    def __init__(self, app: AsyncApp, app_token: str, client: AsyncWebClient, proxies: Proxies) -> None:
        self.app: AsyncApp = app
        self.client: PatientClient = PatientClient(
            app_token,
            logger=logging.getLogger("slack_sdk.socket_mode"),
            web_client=client,
            proxies=proxies,
            ping_interval=5,
        )
        self.client.socket_mode_request_listeners.append(self.handle)
        self._stopping = False
        self._working: set[asyncio.Task[None]] = set()

    async def handle(self, client: AsyncBaseSocketModeClient, req: SocketModeRequest) -> None:
        task = asyncio.current_task()
        if self._stopping or task is None:
            return  # not acked, so Slack delivers it elsewhere
        self._working.add(task)
        try:
            await self._answer(client, req)
        finally:
            self._working.discard(task)

    async def _answer(self, client: AsyncBaseSocketModeClient, req: SocketModeRequest) -> None:
        try:
            found = read(req.payload)
        except UnreadablePayload as error:
            log.warning("A payload could not be read", kind=req.type, error=str(error))
            return
        answer = await self.app.async_dispatch(delivery(found))
        if answer.status == 404:
            # Over HTTP this says that nothing here is meant; a socket knows only the ack.
            answer = BoltResponse(status=200, body="")
        try:
            await send_async_response(client, req, answer, time.time())
        except TROUBLE as error:
            # Slack delivers it again, and then it finds what was done.
            log.warning("An ack could not be sent", kind=req.type, error=error_code(error))

    async def stop(self) -> None:
        """Take nothing more, let what was taken be acked, and leave, also if the other side is silent."""
        self._stopping = True
        if self._working:
            await asyncio.wait(self._working, timeout=3)
        try:
            async with asyncio.timeout(1):
                await self.client.close()  # type: ignore[no-untyped-call]  # slack_sdk has no type here
        except TimeoutError:
            await self.client.aiohttp_client_session.close()


class SocketConnection:
    """Socket Mode: opened with as many tries as it takes; slack_sdk renews it after that."""

    def __init__(
        self, app: AsyncApp, client: AsyncWebClient, app_token: str, proxies: Proxies = DIRECT
    ) -> None:
        self._handler = ReadingHandler(app, app_token, client, proxies)

    async def open(self) -> None:
        """Return once the connection is open.

        Raises:
            WrongToken: Slack does not accept the app token.
        """
        await self._handler.client.connect_to_new_endpoint(force=True)
        self._handler.client.was_open = True
        log.info("Socket Mode is open")

    async def trouble(self) -> str | None:
        """What to say of a connection that is not open."""
        if await self._handler.client.is_connected():
            return None
        why = self._handler.client.stopped_by
        return "the Socket Mode connection is not open" + (f": {why}" if why else "")

    async def close(self) -> None:
        await self._handler.stop()
