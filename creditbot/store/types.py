"""How times and texts lie in SQL, the same on every database."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Dialect, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine


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


def storable(text: str) -> str:
    """PostgreSQL takes no NUL, and no database takes half a character (a lone surrogate)."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


class StoredText(TypeDecorator[str]):
    """A text of any length. `usual` is a hint for readers: SQLite notes it, and nothing enforces it.

    What comes from outside may be longer than anyone documents, and must not keep a known outcome from
    being written down.
    """

    impl = Text
    cache_ok = True

    def __init__(self, usual: int | None = None) -> None:
        super().__init__()
        self.usual = usual

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        sized = dialect.name == "sqlite" and self.usual is not None
        # Not `type_descriptor`: psycopg's for Text is a VARCHAR in DDL.
        return String(self.usual) if sized else Text()

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - fixed signature
        return None if value is None else storable(value)
