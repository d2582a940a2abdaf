"""Where a command is started: its settings, the database, and who is at the terminal."""

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from .terminal import FAULTY_SETTINGS, fail

if TYPE_CHECKING:
    from creditbot.settings.environment import DatabaseSettings

    S = TypeVar("S", bound=DatabaseSettings)

SAID_ANYWAY = "ERROR"
"""The level for commands whose report says in sentences what the log would warn of."""


def environ() -> dict[str, str | None]:
    """The environment, and behind it a `.env` file in the present folder."""
    from dotenv import dotenv_values

    try:
        return {**dotenv_values(Path(".env")), **os.environ}
    except (OSError, UnicodeDecodeError):
        fail("The file .env can't be read: it must be a text file in UTF-8.", code=FAULTY_SETTINGS)


def settings_of(kind: "type[S]", log_level: str | None = None) -> "S":
    """Read the settings, and have all that is logged from here on go to standard error without secrets."""
    from creditbot import log
    from creditbot.settings.environment import unknown_names
    from creditbot.settings.errors import ConfigError

    found = environ()
    strange = unknown_names(found)
    try:
        settings = kind.from_environ(found)
    except ConfigError as error:
        fail(*error.lines, *(f"warning: {sentence}" for sentence in strange), code=FAULTY_SETTINGS)
    log.configure(log_level or settings.log_level, settings.secrets())
    for sentence in strange:
        logging.getLogger(__name__).warning("%s", sentence)
    return settings


def database_url() -> str:
    from creditbot.settings.environment import DatabaseSettings

    return settings_of(DatabaseSettings).database_url


def login_name() -> str:
    """Who sits at the terminal, as far as the system says; in a container it may know no names."""
    import getpass

    if through_sudo := os.environ.get("SUDO_USER", "").strip():
        return through_sudo
    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError):  # by version and platform: no variable, and no such account
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"


def existing_database(url: str) -> str:
    """Looking must not make an empty database where none was."""
    from sqlalchemy import make_url

    from creditbot.store.engines import is_postgres
    from creditbot.store.leftovers import check_log

    path = Path(make_url(url).database or "")
    if not is_postgres(url) and not path.is_file():
        fail(
            f"DATABASE_URL: there is no database at {path.absolute()}. Is this the folder where creditbot "
            "runs? Go there, or set DATABASE_URL to where the database is. If there is none yet, `creditbot "
            "migrate` creates one."
        )
    check_log(url)
    return url
