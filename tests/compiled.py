"""What SQLAlchemy has made of each statement, shared by all engines of this process.

An engine keeps that for itself, and each test opens engines of its own: to compile the same statements again
would take a fifth of its time. The engines of one dialect are all set up alike here, so what one has
compiled serves them all.
"""

from typing import Any

from sqlalchemy import Connection, Engine, event

Key = tuple[Any, ...]


class Compiled:
    """As much of a mapping as is asked of a `compiled_cache`: the first part of each key is a dialect."""

    def __init__(self) -> None:
        self._found: dict[Key, Any] = {}

    def get(self, key: Key) -> Any:
        return self._found.get((type(key[0]), *key[1:]))

    def __setitem__(self, key: Key, compiled: Any) -> None:
        self._found[type(key[0]), *key[1:]] = compiled


def share() -> None:
    """Have every connection from now on use what others have compiled."""
    compiled = Compiled()

    @event.listens_for(Engine, "engine_connect")
    def use_it(connection: Connection) -> None:
        connection.execution_options(compiled_cache=compiled)
