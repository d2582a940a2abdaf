"""How times and documents lie in SQL, the same on every database."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Dialect
from sqlalchemy.types import TypeDecorator


def to_millis(moment: datetime) -> int:
    """Whole milliseconds since 1970-01-01 UTC; a naive time is refused, since nobody knows which it is."""
    if moment.tzinfo is None:
        raise ValueError("a time without a time zone can't be stored")
    return round(moment.timestamp() * 1000)


def from_millis(millis: int) -> datetime:
    return datetime.fromtimestamp(millis / 1000, UTC)


class Moment(TypeDecorator[datetime]):
    """An aware time as integer milliseconds: SQLite would give a DateTime back naive, hours off."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ARG002 - fixed signature
        return None if value is None else to_millis(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - fixed signature
        return None if value is None else from_millis(value)
