"""What is said when the database can't be used: where it is, why, and what to do; never a password."""

import re
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from creditbot.store.engines import is_postgres

SQLITE = {
    "readonly": "The user that runs creditbot needs write access to the file and to its folder.",
    "locked": "Another process has locked it: wait until that has ended, then try again.",
    "no such table": "`creditbot migrate` creates its tables.",
    "malformed": "Restore a backup: stop creditbot, delete the file and those beside it that end in -wal and "
    "-shm, and copy the backup there.",
    "not a database": "This file is not a database: set DATABASE_URL to creditbot's.",
    "full": "Free some space on the disk.",
}
"""What to do, by a word in what SQLite says."""

POSTGRES = {
    "permission denied for schema": "Have a superuser run: GRANT CREATE ON SCHEMA {schema} TO {user}; or "
    "make it the owner: ALTER DATABASE {database} OWNER TO {user};",
    "no schema has been selected": "Have a superuser run: GRANT USAGE, CREATE ON SCHEMA public TO {user};",
    "session is read-only": "None of the hosts accepts writes: promote one. To only read, write "
    "target_session_attrs=any behind the question mark of DATABASE_URL.",
    "statement pooling": "Set the pooler's pool_mode to transaction or session.",
    "password authentication failed": "Set DATABASE_URL to a user and a password that the server accepts.",
    "pg_hba.conf": "Allow this machine in the server's pg_hba.conf.",
    'role "': "Set DATABASE_URL to a user that the server has.",
    'relation "': "`creditbot migrate` creates its tables.",
    'database "': "Create the database, or set DATABASE_URL to one that exists.",
    "resolve host": "Set DATABASE_URL to a host that exists.",
    "connection": "Check that the server is running, and that DATABASE_URL has its host and port.",
}
"""Likewise for PostgreSQL, the first that fits."""


def explanation(url: str, error: Exception) -> str:
    """One line for the person who started a command; the URL is as `creditbot.settings` writes it."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    why = str(cause).splitlines()[0] if str(cause) else type(cause).__name__
    where, what_to_do = _postgres(url, why) if is_postgres(url) else _sqlite(url, why)
    return f"DATABASE_URL: the database {where} can't be used ({why}). {what_to_do}".rstrip()


def _sqlite(url: str, why: str) -> tuple[str, str]:
    path = Path(make_url(url).database or "").absolute()
    if path.is_dir():
        return f"at {path}", "This is a folder: set DATABASE_URL to a file in it."
    if not path.parent.is_dir():
        return f"at {path}", f"Create the folder {path.parent}, or set DATABASE_URL to a file in another one."
    if "unable to open" in why:
        return f"at {path}", SQLITE["readonly"]
    return f"at {path}", _first_that_fits(SQLITE, why)


def _postgres(url: str, why: str) -> tuple[str, str]:
    found = make_url(url)
    schema = re.search(r"for schema (\S+)", why)
    names = {
        "user": sql_name(found.username or "USER"),
        "database": sql_name(found.database or ""),
        "schema": schema[1] if schema else "public",
    }
    what_to_do = _first_that_fits(POSTGRES, why).format(**names)
    return f"{found.database} on {found.host or 'PostgreSQL'}", what_to_do


def sql_name(name: str) -> str:
    """A name as SQL has it."""
    plain = re.fullmatch("[a-z_][a-z0-9_]*", name) is not None
    return name if plain else '"{}"'.format(name.replace('"', '""'))


def _first_that_fits(advice: dict[str, str], why: str) -> str:
    return next((what_to_do for word, what_to_do in advice.items() if word in why), "")
