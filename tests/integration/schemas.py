"""What lies in a database, as its own catalogue tells it."""

from sqlalchemy import create_engine

from creditbot.store.engines import is_postgres

Schema = dict[tuple[str, str], str]
"""A kind of thing and its name, and how it was defined."""

SQLITE = "SELECT type, name, coalesce(sql, '') FROM sqlite_master"

POSTGRES = """
SELECT 'column', c.relname || '.' || a.attname,
       concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
                 pg_get_expr(d.adbin, d.adrelid))
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'function', oid::regprocedure::text, pg_get_functiondef(oid)
  FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'value', enumtypid::regtype || '.' || enumlabel, '' FROM pg_enum
UNION ALL
SELECT 'comment', c.relname, obj_description(c.oid) FROM pg_class c
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND obj_description(c.oid) IS NOT NULL
"""


def schema(url: str) -> Schema:
    """Everything that was laid, whoever laid it."""
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(POSTGRES if is_postgres(url) else SQLITE).all()
    engine.dispose()
    found = {(kind, name): definition for kind, name, definition in rows}
    assert len(found) == len(rows), "two things have one name"
    return found


def of_the_queue(name: str | None) -> bool:
    """Whether Procrastinate lays it: all its names say so."""
    return "procrastinate" in (name or "")
