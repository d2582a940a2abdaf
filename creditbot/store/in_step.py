"""What the database itself keeps in step with the requests, in the statement that changes one.

Both follow from the requests, and spare whoever asks a look at all of them: which version a card is to show
(`outbox.wanted_version`; 0 while there is nothing to show), and how many requests of a subuser are in which
state (`request_counts`). Triggers keep them, so that no writer can forget to: an earlier version that still
runs knows nothing of them.
"""

from sqlalchemy import Connection

_WANTED = "SELECT version FROM requests WHERE requests.id = {request} AND requests.checked_at IS NOT NULL"

WANTED_NOW = _WANTED.format(request="outbox.request_id")

_LESS = (
    "UPDATE request_counts SET number = number - 1 "
    "WHERE subuser_key = OLD.subuser_key AND status = OLD.status"
)

_MORE = (
    "INSERT INTO request_counts (subuser_key, status, number) VALUES (NEW.subuser_key, NEW.status, 1) "
    "ON CONFLICT (subuser_key, status) DO UPDATE SET number = request_counts.number + 1"
)

SQLITE = {
    "cards_begin": (
        "CREATE TRIGGER cards_begin AFTER INSERT ON outbox WHEN NEW.kind = 'card' BEGIN "  # noqa: S608 - fixed text
        f"UPDATE outbox SET wanted_version = coalesce(({_WANTED.format(request='NEW.request_id')}), 0) "
        "WHERE id = NEW.id; END"
    ),
    "cards_follow": (
        "CREATE TRIGGER cards_follow AFTER UPDATE OF version, checked_at ON requests "
        "WHEN NEW.checked_at IS NOT NULL BEGIN "
        "UPDATE outbox SET wanted_version = NEW.version WHERE request_id = NEW.id AND kind = 'card'; END"
    ),
    "requests_count_new": (f"CREATE TRIGGER requests_count_new AFTER INSERT ON requests BEGIN {_MORE}; END"),
    "requests_count_moved": (
        "CREATE TRIGGER requests_count_moved AFTER UPDATE OF status, subuser_key ON requests "
        "WHEN NEW.status IS NOT OLD.status OR NEW.subuser_key IS NOT OLD.subuser_key "
        f"BEGIN {_LESS}; {_MORE}; END"
    ),
    "requests_count_gone": (
        f"CREATE TRIGGER requests_count_gone AFTER DELETE ON requests BEGIN {_LESS}; END"
    ),
}

FUNCTIONS = {
    "cards_begin": (
        f" BEGIN NEW.wanted_version := coalesce(({_WANTED.format(request='NEW.request_id')}), 0); "
        "RETURN NEW; END "
    ),
    "cards_follow": (
        " BEGIN UPDATE outbox SET wanted_version = NEW.version WHERE request_id = NEW.id AND kind = 'card'; "
        "RETURN NULL; END "
    ),
    "requests_count": (
        f" BEGIN IF TG_OP <> 'INSERT' THEN {_LESS}; END IF; "
        f"IF TG_OP <> 'DELETE' THEN {_MORE}; END IF; RETURN NULL; END "
    ),
}

TRIGGERS = {
    "cards_begin": (
        "CREATE TRIGGER cards_begin BEFORE INSERT ON outbox FOR EACH ROW WHEN (NEW.kind = 'card') "
        "EXECUTE FUNCTION cards_begin()"
    ),
    "cards_follow": (
        "CREATE TRIGGER cards_follow AFTER UPDATE OF version, checked_at ON requests FOR EACH ROW "
        "WHEN (NEW.checked_at IS NOT NULL) EXECUTE FUNCTION cards_follow()"
    ),
    "requests_count_new": (
        "CREATE TRIGGER requests_count_new AFTER INSERT OR DELETE ON requests FOR EACH ROW "
        "EXECUTE FUNCTION requests_count()"
    ),
    "requests_count_moved": (
        "CREATE TRIGGER requests_count_moved AFTER UPDATE OF status, subuser_key ON requests FOR EACH ROW "
        "WHEN (NEW.status IS DISTINCT FROM OLD.status OR NEW.subuser_key IS DISTINCT FROM OLD.subuser_key) "
        "EXECUTE FUNCTION requests_count()"
    ),
}

IN_FORCE = """
SELECT t.tgname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
 WHERE t.tgrelid IN ('requests'::regclass, 'outbox'::regclass) AND t.tgenabled IN ('O', 'A')
   AND p.prosrc = ANY(%s)
"""

CATCH_UP = (
    f"UPDATE outbox SET wanted_version = coalesce(({WANTED_NOW}), 0) WHERE kind = 'card'",  # noqa: S608 - fixed text
    "DELETE FROM request_counts",
    (
        "INSERT INTO request_counts (subuser_key, status, number) "
        "SELECT subuser_key, status, count(*) FROM requests GROUP BY subuser_key, status"
    ),
)
"""What the triggers would have written, at once; the database holds no more of it in memory than it likes."""


def missing(connection: Connection) -> list[str]:
    """The triggers that are not there, or not as they were laid."""
    if connection.dialect.name == "postgresql":
        found = set(connection.exec_driver_sql(IN_FORCE, (list(FUNCTIONS.values()),)).scalars())
        return [name for name in TRIGGERS if name not in found]
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    laid = {row.name: row.sql for row in rows}
    return [name for name, sql in SQLITE.items() if laid.get(name) != sql]


def lay(connection: Connection) -> None:
    """Lay those that are missing, and catch up with what they have missed."""
    names = missing(connection)
    if not names:
        return
    if connection.dialect.name == "postgresql":
        for name, body in FUNCTIONS.items():
            connection.exec_driver_sql(
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"
            )
        for name in names:
            table = "outbox" if name == "cards_begin" else "requests"
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name} ON {table}")
            connection.exec_driver_sql(TRIGGERS[name])
    else:
        for name in names:
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
            connection.exec_driver_sql(SQLITE[name])
    for statement in CATCH_UP:
        connection.exec_driver_sql(statement)
