"""Who wakes the jobs: a loop in the process, or Procrastinate's workers on PostgreSQL."""

from typing import Protocol

from creditbot.store.database import Waker

from .embedded import EmbeddedRunner


class Runner(Waker, Protocol):
    """Delivers wake-ups to the jobs, and looks every second for what is due besides."""

    async def run(self) -> None:
        """Go on until `stop`, also after the database was away.

        Raises:
            WrongLedgerKey: a job met it, so no job can write anything down any more.
        """

    async def trouble(self) -> str | None:
        """What keeps jobs from being started here, in a few words; None if nothing does."""

    async def stop(self) -> None:
        """Start nothing more, and let what runs finish or record where it stood."""


__all__ = ["EmbeddedRunner", "Runner"]
