"""Which statements a database is given."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event


@contextmanager
def executed() -> Iterator[list[str]]:
    """The statements, and COMMIT for each commit."""
    found: list[str] = []

    def before(_: Any, __: Any, statement: str, *___: Any) -> None:
        found.append(statement)

    def commit(_: Any) -> None:
        found.append("COMMIT")

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "commit", commit)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", before)
        event.remove(Engine, "commit", commit)
