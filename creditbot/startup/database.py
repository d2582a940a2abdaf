"""The database before anything uses it: its tables, its triggers, and the ledger's key."""

import asyncio
import time

import structlog
from sqlalchemy.exc import DBAPIError

from creditbot.domain.chain import Keys
from creditbot.store import append_only, events, health, identity, in_step, leftovers
from creditbot.store.database import AWAY, Database
from creditbot.store.engines import is_postgres
from creditbot.store.tables import SCHEMA_VERSION

log = structlog.get_logger(__name__)

WRONG_ADDRESS = ("password authentication failed", "does not exist", "no pg_hba.conf entry")
"""What PostgreSQL says where waiting does not help."""


async def prepare_database(url: str, patience: float = 60) -> None:
    """Lay the tables, or bring them up to date, if they are not; wait for a server that is restarting.

    Raises:
        UnfitDatabase: it is another program's, a later version of creditbot has laid the tables, or a
            restored file lies beside the log of the one before it.
    """
    leftovers.check_log(url)
    version, queue_is_old = await _schema(url, time.monotonic() + patience)
    identity.check_not_newer(version)
    if version != SCHEMA_VERSION or queue_is_old:
        from creditbot.migrate import migrate  # noqa: PLC0415 - half a second that a start seldom needs

        await asyncio.to_thread(migrate, url)


async def _schema(url: str, deadline: float) -> tuple[str | None, bool]:
    """The version of the tables, and whether those of the job queue are of an older Procrastinate."""
    database = Database(url)
    try:
        while True:
            try:
                async with database.read() as connection:
                    version = await connection.run_sync(identity.version_of)
                if version is None or not is_postgres(url):
                    return version, False
                from creditbot.runners.schema import is_older  # noqa: PLC0415 - an optional extra

                async with database.read() as connection:
                    return version, is_older(await health.queue_comment(connection))
            except AWAY as error:
                why = str(error.orig if isinstance(error, DBAPIError) else error)
                wrong = any(word in why for word in WRONG_ADDRESS)
                if wrong or not is_postgres(url) or time.monotonic() > deadline:
                    raise
                log.warning("The database does not answer; trying again", error=why.splitlines()[0])
                await asyncio.sleep(1)
    finally:
        await database.close()


async def check_database(url: str, keys: Keys = ()) -> None:
    """Find out before anything happens whether the ledger can be written to, and is protected.

    It is said if triggers are missing: those by which no event can be changed, and those that tell which
    cards are behind.

    Raises:
        WrongLedgerKey: these are not the ledger's keys, or an older one is first.
    """
    database = Database(url, keys=keys)
    try:
        async with database.read() as connection:
            missing = await connection.run_sync(append_only.missing)
            out_of_step = await connection.run_sync(in_step.missing)
            _warn(missing, out_of_step)
            await events.check_key(connection)
    finally:
        await database.close()


def _warn(missing: list[str], out_of_step: list[str]) -> None:
    if missing:
        log.warning(
            "Triggers that protect the ledger are missing or changed. Find out who removed them, then run "
            "`creditbot migrate`, which restores them",
            missing=missing,
        )
    if out_of_step:
        log.warning(
            "Triggers that tell which cards are behind are missing or changed, so cards may show what is no "
            "longer true. Stop creditbot, and run `creditbot migrate`, which restores them",
            missing=out_of_step,
        )
