"""What an interaction hands to the bot: a trigger for one modal, and a URL for five answers."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from .model import Message, Refusal, View

TRIGGER_SECONDS = 3.0
"""https://docs.slack.dev/interactivity/handling-user-interaction#modal_responses"""
ANSWERS = 5
ANSWER_SECONDS = 30 * 60.0
"""https://docs.slack.dev/interactivity/handling-user-interaction#message_responses"""


@dataclass
class Trigger:
    """The right to open one modal for one person, soon."""

    id: str
    user: str
    issued: float
    view: View | None = None
    """The modal in which the person acted, on top of which another may be pushed."""
    exchanged: bool = False


@dataclass
class AnswerUrl:
    """The right to answer an interaction; `original` is the message that was clicked, if one was."""

    secret: str
    user: str
    channel: str
    issued: float
    original: Message | None = None
    uses: int = 0


class Tickets:
    """All triggers and answer URLs that were ever handed out."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._triggers: dict[str, Trigger] = {}
        self._urls: dict[str, AnswerUrl] = {}

    def trigger(self, user: str, view: View | None = None) -> Trigger:
        """A new trigger for a person."""
        now = self._clock()
        id_ = f"{int(now * 1000)}.{secrets.randbelow(10**9)}.{secrets.token_hex(16)}"
        self._triggers[id_] = Trigger(id_, user, now, view)
        return self._triggers[id_]

    def good_trigger(self, id_: str) -> Trigger:
        """The trigger with this ID, which the caller marks as `exchanged`; Refusal where it can't be used."""
        trigger = self._triggers.get(id_)
        if trigger is None:
            raise Refusal("invalid_trigger_id")
        if trigger.exchanged:
            raise Refusal("exchanged_trigger_id")
        if self._clock() - trigger.issued > TRIGGER_SECONDS:
            raise Refusal("expired_trigger_id")
        return trigger

    def answer_url(self, user: str, channel: str, original: Message | None = None) -> AnswerUrl:
        """A new URL for answers."""
        secret = secrets.token_urlsafe(18)
        self._urls[secret] = AnswerUrl(secret, user, channel, self._clock(), original)
        return self._urls[secret]

    def use_answer_url(self, secret: str) -> AnswerUrl:
        """Count one answer; Refusal where there were too many, or it is too late."""
        url = self._urls.get(secret)
        if url is None:
            raise Refusal("no_service")
        if self._clock() - url.issued > ANSWER_SECONDS:
            raise Refusal("expired_url")
        if url.uses >= ANSWERS:
            raise Refusal("used_url")
        url.uses += 1
        return url
