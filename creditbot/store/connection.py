"""The type of the connection that whatever reads and writes is given: SQLAlchemy's AsyncConnection.

It comes with the ORM, which takes a fifteenth of a start. SQLite's own (`InPlace`) does what is asked of it
without either, so that only type checkers and PostgreSQL import the real one.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection
else:
    AsyncConnection = object

__all__ = ["AsyncConnection"]
