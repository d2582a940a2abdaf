"""The response URLs, to which a bot posts. https://docs.slack.dev/interactivity/handling-user-interaction#message_responses"""

import json

from aiohttp import web

from .answers import Answers
from .faults import DropAfter, ErrorAnswer, Hang, HttpAnswer, SlackFaults
from .model import Refusal
from .tickets import Tickets
from .web_api import drop

GONE = frozenset({"no_service", "used_url", "expired_url"})


class AnswerUrls:
    """Answers `/response/SECRET`."""

    def __init__(self, tickets: Tickets, answers: Answers, faults: SlackFaults) -> None:
        self._tickets = tickets
        self._answers = answers
        self._faults = faults

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Take one message; faults are set for the method `response_url`."""
        body = await request.text()
        fault = self._faults.take("response_url")
        match fault:
            case HttpAnswer(status, headers):
                return web.Response(status=status, headers=headers)
            case ErrorAnswer(error):
                return _refused(Refusal(error))
            case Hang():
                await self._faults.wait_out(fault)
        try:
            self._take(request.match_info["secret"], body)
        except Refusal as refusal:
            return _refused(refusal)
        return drop(request) if isinstance(fault, DropAfter) else web.Response(text="ok")

    def _take(self, secret: str, body: str) -> None:
        try:
            message = json.loads(body)
        except ValueError:
            raise Refusal("invalid_payload") from None
        if not isinstance(message, dict):
            raise Refusal("invalid_payload")
        self._answers.to_url(self._tickets.use_answer_url(secret), message)


def _refused(refusal: Refusal) -> web.Response:
    return web.json_response(refusal.as_answer(), status=404 if refusal.error in GONE else 400)
