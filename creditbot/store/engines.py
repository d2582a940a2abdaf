"""Which database an address names, and the way to read and write it."""

from sqlalchemy import make_url

from creditbot.domain.chain import Keys

from .connection import AsyncConnection
from .opened import Engines
from .sqlite import Sqlite


def is_postgres(url: str) -> bool:
    return make_url(url).get_backend_name() == "postgresql"


def open_engines(url: str, keys: Keys = (), *, looking: bool = False) -> Engines:
    """Engines for a URL as `creditbot.settings` writes it, with the driver; nothing is connected yet.

    The ledger's keys go with their connections, so that whatever writes an event has them. Who is only
    `looking` may do so where nothing can be written.
    """
    if is_postgres(url):
        from .postgres import Postgres  # noqa: PLC0415 - only with it comes the ORM

        return Postgres(url, keys)
    return Sqlite(url, keys, looking=looking)


def ledger_keys(connection: AsyncConnection) -> Keys:
    """The keys with which a connection's events are hashed, the newest first."""
    keys: Keys = connection.sync_engine.get_execution_options().get("ledger_keys", ())
    return keys
