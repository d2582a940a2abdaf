"""What the two databases have in common for those who read and write: transactions that have begun."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from .connection import AsyncConnection

BUSY_TIMEOUT = 1.2
"""Seconds to wait for the write lock while another process holds it."""


class CommitUnclear(Exception):
    """The connection was lost during the commit: the transaction was written as a whole, or not at all."""


class Opened(Protocol):
    """A transaction that has begun. Whoever began it calls `end`, whatever happens."""

    @property
    def connection(self) -> AsyncConnection:
        """With which statements are executed."""

    async def commit(self) -> None:
        """Write it.

        Raises:
            CommitUnclear: the connection was lost meanwhile.
        """

    async def end(self) -> None:
        """Give the connection back. What was not committed is undone."""


class Engines(Protocol):
    """The ways to read and write; nothing is connected before that."""

    async def write(self) -> Opened:
        """A transaction with the write lock of all processes."""

    @property
    def aside(self) -> Callable[[], Awaitable[Opened]] | None:
        """A transaction that writes without that lock; None where nothing can."""

    async def read(self) -> Opened:
        """A consistent view of what has been committed."""

    async def close(self) -> None:
        """Let go of all connections."""
