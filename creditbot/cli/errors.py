"""Errors that end a command, as lines for the person at the terminal."""

import sqlite3

from sqlalchemy.exc import SQLAlchemyError

from creditbot.domain.errors import DomainError, NotTaken, UnfitDatabase
from creditbot.domain.markup import COMMAND, named, without_markup
from creditbot.settings.environment import DatabaseSettings
from creditbot.settings.errors import ConfigError
from creditbot.store.database import CommitUnclear

from .database_errors import explanation
from .environment import environ
from .terminal import FAULTY_SETTINGS


def explained(error: Exception) -> tuple[str, int] | None:
    """The line about an error (of settings, one for each), and the exit code; None of one nobody foresaw."""
    if isinstance(error, ConfigError):
        return str(error), FAULTY_SETTINGS
    of_database = _database_errors()
    cause = error.__cause__ if isinstance(error, NotTaken) else error
    if isinstance(cause, of_database):
        # Whatever asked the database has read its settings without a fault.
        url = DatabaseSettings.from_environ(environ()).database_url
        return explanation(url, cause), FAULTY_SETTINGS
    if isinstance(error, DomainError):
        command = environ().get("CREDITBOT_COMMAND") or COMMAND
        code = FAULTY_SETTINGS if isinstance(error, UnfitDatabase) else 1
        return without_markup(named(error.sentence, command)), code
    return None


def _database_errors() -> tuple[type[Exception], ...]:
    found = (SQLAlchemyError, sqlite3.Error, CommitUnclear)
    try:
        import psycopg
    except ImportError:  # only there with PostgreSQL's extra
        return found
    return (*found, psycopg.Error)
