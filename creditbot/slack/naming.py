"""The command's name, which is a setting: put into what creditbot says on its way to Slack.

Texts are written with `/credits`. A workspace that has given that name to another app has another for this
one. What people typed stays as it is: Slack shows it as plain text, or `escape` has marked it.
"""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from creditbot.domain.markup import COMMAND, named

from .new_blocks import without_new

TYPED = frozenset({"plain_text", "text", "link", "raw_text", "raw_number"})
"""Texts, parts of a rich text and cells of a table that hold what people typed."""


class Naming:
    """Puts the command's name into texts of our own, and into what they travel in."""

    def __init__(self, command: str = COMMAND) -> None:
        self.command = command

    def payload(self, payload: Any) -> Any:
        """A message, view or acknowledgement as it is sent, with the name in every text of our own."""
        return payload if self.command == COMMAND else self._walk(payload)

    def _walk(self, found: Any) -> Any:
        if isinstance(found, list | tuple):
            return [self._walk(item) for item in found]
        if not isinstance(found, dict) or found.get("type") in TYPED:
            return found
        return {name: self._value(name, value) for name, value in found.items()}

    def _value(self, name: str, value: Any) -> Any:
        if name == "text" and isinstance(value, str):
            return named(value, self.command)
        if name == "errors" and isinstance(value, dict):
            return {field: named(sentence, self.command) for field, sentence in value.items()}
        return self._walk(value)


class NamingAck:
    """Bolt's ack, with the command's name in what it says.

    Slack does not tell the app what it thinks of an ack, so plainer blocks are said at once.
    """

    def __init__(self, ack: AsyncAck, naming: Naming) -> None:
        self._ack = ack
        self._naming = naming

    async def __call__(self, **answer: Any) -> None:
        await self._ack(**self._naming.payload(without_new(answer)))
