"""What is said of a database that can't be used: never a password."""

from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from creditbot.cli.database_errors import explanation

URL = "postgresql+psycopg://bot:hunter2@db/credits?password=hunter3"


@pytest.mark.parametrize(
    ("why", "what_to_do"),
    [
        ("unable to open database file", "needs write access"),
        ("attempt to write a readonly database", "needs write access"),
        ("no such table: requests", "`creditbot migrate` creates its tables."),
        ("file is not a database", "set DATABASE_URL to creditbot's."),
        ("something else", "can't be used (something else)."),
    ],
)
def test_sqlites_fault_comes_with_the_path_and_what_to_do(tmp_path: Path, why: str, what_to_do: str) -> None:
    url = f"sqlite:///{tmp_path}/creditbot.db"
    bare = explanation(url, Exception(why))
    assert bare.startswith(f"DATABASE_URL: the database at {tmp_path}/creditbot.db can't be used ({why}).")
    assert what_to_do in bare
    assert explanation(url, OperationalError("SELECT 1", None, Exception(why))) == bare


def test_a_path_that_is_a_folder_is_called_one(tmp_path: Path) -> None:
    said = explanation(f"sqlite:///{tmp_path}", Exception("unable to open database file"))
    assert said.endswith("This is a folder: set DATABASE_URL to a file in it.")


@pytest.mark.parametrize(
    ("why", "what_to_do"),
    [
        ('connection failed: FATAL:  password authentication failed for user "bot"', "a user and a password"),
        ('connection failed: FATAL:  role "bot" does not exist', "a user that the server has"),
        ('connection failed: FATAL:  database "credits" does not exist', "Create the database"),
        (
            'FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "bot", database "credits"',
            "Allow this machine",
        ),
        ('relation "requests" does not exist\nLINE 1: SELECT', "`creditbot migrate`"),
        ("connection failed: Connection refused\nIs the server running?", "Check that the server is running"),
        ("failed to resolve host 'db'", "a host that exists"),
    ],
)
def test_postgresqls_fault_is_one_line_without_a_password(why: str, what_to_do: str) -> None:
    said = explanation(URL, psycopg.OperationalError(why))
    assert said.startswith("DATABASE_URL: the database credits on db can't be used (")
    assert what_to_do in said
    assert "hunter" not in said
    assert "\n" not in said
