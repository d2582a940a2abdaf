"""The bot's way in over HTTP without a socket in between: bytes and headers, into the ASGI application."""

import time
from collections.abc import Mapping
from typing import Any

from creditbot.sandbox.slack import SlackSandbox
from creditbot.sandbox.slack.delivery import Courier
from creditbot.web import SLACK_PATH, Web


async def post(web: Web, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """Send a body to Slack's route; return the status and the body of the answer."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    every = {"content-length": str(len(body)), **headers}
    scope = {
        "type": "http",
        "method": "POST",
        "path": SLACK_PATH,
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in every.items()],
    }
    await web(scope, receive, send)
    return int(sent[0]["status"]), b"".join(message.get("body", b"") for message in sent[1:])


class InProcess(Courier):
    """Slack's courier, which encodes and signs as ever, and hands over what it would have posted."""

    def __init__(self, slack: SlackSandbox, web: Web) -> None:
        super().__init__(slack._hub, signing_secret=slack.signing_secret, ack_window=3.0, clock=time.time)
        self.events_url = SLACK_PATH
        self._web = web

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        del url
        return await post(self._web, body, headers)
