"""Carrying a payload to the bot, over Socket Mode or by signed HTTP, and reading its ack."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from urllib.parse import urlencode

import aiohttp

from .model import Delivery, Json
from .sockets import NotConnected, SocketHub

SLASH_COMMANDS, INTERACTIVE, EVENTS = "slash_commands", "interactive", "events_api"

FORM = "application/x-www-form-urlencoded"


class Courier:
    """Delivers payloads; `events_url` chooses HTTP, None chooses Socket Mode."""

    def __init__(
        self, hub: SocketHub, *, signing_secret: str, ack_window: float, clock: Callable[[], float]
    ) -> None:
        self.events_url: str | None = None
        self._hub = hub
        self._signing_secret = signing_secret
        self._ack_window = ack_window
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """End the connections to the bot."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def carry(self, delivery: Delivery) -> Delivery:
        """Send the payload, wait for the ack as long as Slack does, and note what came of it."""
        started = time.perf_counter()
        try:
            if self.events_url is None:
                delivery.body = await self._by_socket(delivery)
                delivery.acked = True
            else:
                delivery.status, delivery.body = await self._by_http(delivery, self.events_url)
                delivery.acked = delivery.status == 200
            delivery.error = None if delivery.acked else "dispatch_failed"
        except TimeoutError:
            delivery.error = "operation_timeout"
        except (NotConnected, aiohttp.ClientError):
            delivery.error = "dispatch_failed"
        delivery.seconds = time.perf_counter() - started
        delivery.settle(delivery)
        return delivery

    async def _by_socket(self, delivery: Delivery) -> Json | None:
        envelope: Json = {
            "type": delivery.kind,
            "envelope_id": delivery.envelope_id,
            "payload": delivery.payload,
            "accepts_response_payload": delivery.kind != EVENTS,
        }
        if delivery.kind == EVENTS:
            envelope |= {
                "retry_attempt": delivery.attempt,
                "retry_reason": "timeout" if delivery.attempt else "",
            }
        return await self._hub.deliver(envelope, self._ack_window)

    async def _by_http(self, delivery: Delivery, url: str) -> tuple[int, Json | None]:
        body, content_type = _http_body(delivery)
        headers = {"Content-Type": content_type, "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)"}
        if delivery.kind == EVENTS and delivery.attempt:
            headers |= {"X-Slack-Retry-Num": str(delivery.attempt), "X-Slack-Retry-Reason": "http_timeout"}
        status, answer = await self._post(url, body, {**headers, **self._signature(body)})
        return status, _answered(answer)

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        timeout = aiohttp.ClientTimeout(total=self._ack_window)
        if self._session is None:
            # A new connection each time, without limit: a kept one dies with the bot, and a payload with it.
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True))
        async with self._session.post(
            url, data=body, headers=headers, timeout=timeout, allow_redirects=False
        ) as answer:
            return answer.status, await answer.read()

    def _signature(self, body: bytes) -> dict[str, str]:
        """https://docs.slack.dev/authentication/verifying-requests-from-slack"""
        timestamp = str(int(self._clock()))
        base = b"v0:" + timestamp.encode() + b":" + body
        digest = hmac.new(self._signing_secret.encode(), base, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest}"}


def _http_body(delivery: Delivery) -> tuple[bytes, str]:
    match delivery.kind:
        case "slash_commands":
            return urlencode(delivery.payload).encode(), FORM
        case "interactive":
            return urlencode({"payload": json.dumps(delivery.payload)}).encode(), FORM
        case _:
            return json.dumps(delivery.payload).encode(), "application/json"


def _answered(body: bytes) -> Json | None:
    """An answer that isn't a JSON object is the text of a message."""
    text = body.decode("utf-8", "replace")
    if not text.strip():
        return None
    try:
        answer = json.loads(text)
    except ValueError:
        return {"text": text}
    return answer if isinstance(answer, dict) else {"text": text}
