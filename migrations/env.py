"""Run by Alembic; the connection comes from `creditbot.migrate`, which commits."""

from alembic import context

from creditbot.store.tables import VERSION_TABLE, whole_schema

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=whole_schema(),
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
