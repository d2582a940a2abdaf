"""On SQLite an event can't be replaced either."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER events_refuse_replace BEFORE INSERT ON events "
            "WHEN NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM events) "
            "OR EXISTS (SELECT 1 FROM events WHERE hash = NEW.hash OR previous_hash = NEW.previous_hash "
            "OR (request_id = NEW.request_id AND to_status = NEW.to_status)) "
            "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
        )
