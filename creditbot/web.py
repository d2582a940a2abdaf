"""HTTP: Slack's one route, and what a host's monitoring asks.

A request is verified over the bytes as they came, and only then read. So an unsigned request learns
nothing, and what Bolt would trip over (it takes a command whose text has the word "payload" for an
interaction) never reaches it: it gets what was read, as it does in Socket Mode.
"""

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import structlog
from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
from slack_bolt.adapter.asgi.http_request import AsgiHttpRequest
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier

from creditbot.seldom import Seldom
from creditbot.slack.payloads import UnknownPayload, UnreadablePayload, read
from creditbot.slack.switchboard import delivery

SLACK_PATH = "/slack/events"
LARGEST_BODY = 1_000_000

log = structlog.get_logger(__name__)

Probe = Callable[[], Awaitable[tuple[int, str]]]
"""Answers a status and a text."""

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


OLDEST = 300
"""Seconds by which Slack's time stamp may differ from this machine's clock."""

AT_MOST = 2
"""Lines a minute about requests that are refused for the same reason: anyone may send them."""

UNSIGNED = "A request without a signature was refused; if Slack sent it, a proxy has removed its headers"
WRONG_SIGNATURE = (
    "A request was refused: its signature does not match SLACK_SIGNING_SECRET. If Slack sent it, set "
    "SLACK_SIGNING_SECRET to the Signing Secret from Basic Information in your Slack app"
)
WRONG_TIME = (
    "A request was refused: its signature is right, but its timestamp is far from this machine's clock. "
    "Synchronize the clock with NTP; if it is right, someone is replaying an old request"
)
UNREADABLE = "A payload could not be read"


class UnfitRequest(Exception):
    """A request that is answered with `status` and nothing else; `why` is for the log."""

    def __init__(self, status: int, why: str | None = None, **about: object) -> None:
        super().__init__(status)
        self.status = status
        self.why = why
        self.about = about


class VerifyingHandler(AsyncSlackRequestHandler):
    """Bolt's ASGI adapter, given requests that are already verified and read."""

    def __init__(self, app: AsyncApp, signing_secret: str) -> None:
        super().__init__(app, path=SLACK_PATH)
        self._verifier = SignatureVerifier(signing_secret)
        self._seldom = Seldom(AT_MOST, 60)

    async def dispatch(self, request: AsgiHttpRequest) -> BoltResponse:
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.raw_headers
        }
        try:
            body = await read_body(request.receive, headers)
            check_signature(self._verifier, body, headers)
            found = read(read_payload(body, headers.get("content-type", "")))
        except UnfitRequest as unfit:
            self._log(unfit.why, **unfit.about)
            return BoltResponse(status=unfit.status, body="")
        except UnknownPayload as unknown:
            self._log(UNREADABLE, error=str(unknown))
            return BoltResponse(status=404, body="")
        except UnreadablePayload as unreadable:
            self._log(UNREADABLE, error=str(unreadable))
            return BoltResponse(status=400, body="")
        return await self.app.async_dispatch(delivery(found))

    def _log(self, why: str | None, **about: object) -> None:
        left_out = None if why is None else self._seldom.left_out(why)
        if left_out is not None:
            log.warning(why, **about, **({"left_out_before": left_out} if left_out else {}))


async def read_body(receive: Receive, headers: Mapping[str, str]) -> bytes:
    """The whole body, unless it is larger than anything that Slack sends."""
    length = headers.get("content-length", "0")
    if length.isdecimal() and (len(length) > 15 or int(length) > LARGEST_BODY):
        raise UnfitRequest(413)
    body = bytearray()
    while True:
        chunk = await receive()
        if chunk["type"] != "http.request":
            raise UnfitRequest(400)  # the client has gone
        body += chunk.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise UnfitRequest(413)
        if not chunk.get("more_body", False):
            return bytes(body)


def check_signature(verifier: SignatureVerifier, body: bytes, headers: Mapping[str, str]) -> None:
    """Check Slack's signature, and that it is at most five minutes from now.

    The signature first: whoever has the secret may be told what is wrong with the time.
    Source: docs.slack.dev/authentication/verifying-requests-from-slack
    """
    timestamp = headers.get("x-slack-request-timestamp", "")
    signature = headers.get("x-slack-signature", "")
    # The verifier would raise for a timestamp that is no number, and compares only ASCII.
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 15 and signature.isascii()):
        raise UnfitRequest(401, UNSIGNED)
    if not signature:
        raise UnfitRequest(401, UNSIGNED)
    try:
        wanted = verifier.generate_signature(timestamp=timestamp, body=body)
    except UnicodeDecodeError:
        wanted = None
    if wanted is None or not hmac.compare_digest(wanted, signature):
        raise UnfitRequest(401, WRONG_SIGNATURE)
    seconds = round(verifier.clock.now() - int(timestamp))
    if abs(seconds) > OLDEST:
        raise UnfitRequest(401, WRONG_TIME, seconds_behind=seconds)


def read_payload(body: bytes, content_type: str) -> dict[str, Any]:
    """A slash command's fields, or the JSON of an interaction or event."""
    try:
        text = body.decode()
        if content_type.partition(";")[0].strip().lower() == "application/json":
            payload = json.loads(text)
        else:
            fields = dict(parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="strict"))
            payload = json.loads(fields["payload"]) if "payload" in fields else fields
    except (ValueError, RecursionError):
        raise UnfitRequest(400, UNREADABLE, error="neither a form nor JSON") from None
    if not isinstance(payload, dict) or not payload:
        raise UnfitRequest(400, UNREADABLE, error="not an object")
    return payload


class Web:
    """The ASGI application: Slack's route if there is a signing secret, and the probes."""

    def __init__(self, slack: VerifyingHandler | None, probes: Mapping[str, Probe]) -> None:
        self._slack = slack
        self._probes = probes

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            await self._route(scope, receive, send)
        except asyncio.CancelledError:
            # Only a shutdown cancels, and only what never became a whole request.
            log.info("A request was cut off by the shutdown", path=scope["path"])

    async def _route(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        if path == SLACK_PATH and self._slack is not None:
            if method == "POST":
                await self._slack(scope, receive, send)
            else:
                await respond(send, 405, "")
        elif path in self._probes and method in {"GET", "HEAD"}:
            status, text = await self._probes[path]()
            await respond(send, status, "" if method == "HEAD" else text)
        else:
            await respond(send, 404, "Not found.\n")


async def respond(send: Send, status: int, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
