"""The triggers with which the database itself refuses to change what has been recorded.

On SQLite also REPLACE: it removes the rows in its way without firing a trigger for that, so only an INSERT
that is in nobody's way is let through.
"""

from sqlalchemy import Connection

SQLITE = {
    "events_refuse_update": (
        "CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events "
        "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
    ),
    "events_refuse_delete": (
        "CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events "
        "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
    ),
    "events_refuse_replace": (
        "CREATE TRIGGER events_refuse_replace BEFORE INSERT ON events "
        "WHEN NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM events) "
        "OR EXISTS (SELECT 1 FROM events WHERE hash = NEW.hash OR previous_hash = NEW.previous_hash "
        "OR (request_id = NEW.request_id AND to_status = NEW.to_status)) "
        "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
    ),
}

FUNCTION = " BEGIN RAISE EXCEPTION 'events are append-only'; END "

POSTGRES = [
    f"CREATE OR REPLACE FUNCTION events_refuse() RETURNS trigger LANGUAGE plpgsql AS $${FUNCTION}$$",
    "DROP TRIGGER IF EXISTS events_refuse ON events",
    (
        "CREATE TRIGGER events_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON events "
        "FOR EACH STATEMENT EXECUTE FUNCTION events_refuse()"
    ),
]

IN_FORCE = """
SELECT count(*) FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
 WHERE t.tgrelid = 'events'::regclass AND t.tgname = 'events_refuse' AND t.tgenabled IN ('O', 'A')
   AND t.tgtype = 2 + 8 + 16 + 32 AND t.tgqual IS NULL AND p.prosrc = %s
"""
"""Before the statement, for DELETE, UPDATE and TRUNCATE, without a condition, not switched off."""


def missing(connection: Connection) -> list[str]:
    """The triggers that are not there, or not as they were laid."""
    if connection.dialect.name == "postgresql":
        found = connection.exec_driver_sql(IN_FORCE, (FUNCTION,)).scalar()
        return [] if found else ["events_refuse"]
    rows = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'events'"
    )
    laid = {row.name: row.sql for row in rows}
    return [name for name, sql in SQLITE.items() if laid.get(name) != sql]


def lay(connection: Connection) -> None:
    """Lay those that are missing."""
    names = missing(connection)
    if connection.dialect.name == "postgresql":
        for statement in POSTGRES if names else []:
            connection.exec_driver_sql(statement)
        return
    for name in names:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
        connection.exec_driver_sql(SQLITE[name])
