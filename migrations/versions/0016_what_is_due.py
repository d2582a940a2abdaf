"""What is due, counted or listed is found by what is asked of it, however long the record is."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

DECIDED = "status IN ('applying', 'approved', 'in_doubt')"
OPEN = "(status NOT IN ('applied', 'cancelled', 'denied', 'expired', 'failed', 'refused'))"
PENDING = "status = 'pending'"
UNTOLD = "sent_at IS NULL AND given_up_at IS NULL"

WANTED = "SELECT version FROM requests WHERE requests.id = {request} AND requests.checked_at IS NOT NULL"

LESS = (
    "UPDATE request_counts SET number = number - 1 "
    "WHERE subuser_key = OLD.subuser_key AND status = OLD.status"
)

MORE = (
    "INSERT INTO request_counts (subuser_key, status, number) VALUES (NEW.subuser_key, NEW.status, 1) "
    "ON CONFLICT (subuser_key, status) DO UPDATE SET number = request_counts.number + 1"
)

TRIGGERS = {
    "sqlite": [
        (
            "CREATE TRIGGER cards_begin AFTER INSERT ON cards BEGIN "  # noqa: S608 - fixed text
            f"UPDATE cards SET wanted_version = coalesce(({WANTED.format(request='NEW.request_id')}), 0) "
            "WHERE id = NEW.id; END"
        ),
        (
            "CREATE TRIGGER cards_follow AFTER UPDATE OF version, checked_at ON requests "
            "WHEN NEW.checked_at IS NOT NULL BEGIN "
            "UPDATE cards SET wanted_version = NEW.version WHERE request_id = NEW.id; END"
        ),
        f"CREATE TRIGGER requests_count_new AFTER INSERT ON requests BEGIN {MORE}; END",
        (
            "CREATE TRIGGER requests_count_moved AFTER UPDATE OF status, subuser_key ON requests "
            "WHEN NEW.status IS NOT OLD.status OR NEW.subuser_key IS NOT OLD.subuser_key "
            f"BEGIN {LESS}; {MORE}; END"
        ),
        f"CREATE TRIGGER requests_count_gone AFTER DELETE ON requests BEGIN {LESS}; END",
    ],
    "postgresql": [
        (
            "CREATE FUNCTION cards_begin() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"BEGIN NEW.wanted_version := coalesce(({WANTED.format(request='NEW.request_id')}), 0); "
            "RETURN NEW; END $$"
        ),
        (
            "CREATE FUNCTION cards_follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE cards "
            "SET wanted_version = NEW.version WHERE request_id = NEW.id; RETURN NULL; END $$"
        ),
        (
            "CREATE FUNCTION requests_count() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"BEGIN IF TG_OP <> 'INSERT' THEN {LESS}; END IF; "
            f"IF TG_OP <> 'DELETE' THEN {MORE}; END IF; RETURN NULL; END $$"
        ),
        "CREATE TRIGGER cards_begin BEFORE INSERT ON cards FOR EACH ROW EXECUTE FUNCTION cards_begin()",
        (
            "CREATE TRIGGER cards_follow AFTER UPDATE OF version, checked_at ON requests FOR EACH ROW "
            "WHEN (NEW.checked_at IS NOT NULL) EXECUTE FUNCTION cards_follow()"
        ),
        (
            "CREATE TRIGGER requests_count_new AFTER INSERT OR DELETE ON requests FOR EACH ROW "
            "EXECUTE FUNCTION requests_count()"
        ),
        (
            "CREATE TRIGGER requests_count_moved AFTER UPDATE OF status, subuser_key ON requests "
            "FOR EACH ROW WHEN (NEW.status IS DISTINCT FROM OLD.status "
            "OR NEW.subuser_key IS DISTINCT FROM OLD.subuser_key) EXECUTE FUNCTION requests_count()"
        ),
    ],
}


def part(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(
        name, table, columns, unique=False, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )


def words(usual: int) -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.String(length=usual), "sqlite")


def upgrade() -> None:
    op.add_column("requests", sa.Column("follows_policy", words(64), nullable=True))
    # One that followed a later policy than that does so once more at the next start, which draws its card.
    op.execute("UPDATE requests SET follows_policy = policy_hash WHERE status = 'pending'")
    op.add_column("cards", sa.Column("wanted_version", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "request_counts",
        sa.Column("subuser_key", words(128), nullable=False),
        sa.Column("status", words(20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("subuser_key", "status"),
    )
    # Row by row in the database, so that nothing grows in memory with the record.
    op.execute(
        f"UPDATE cards SET wanted_version = coalesce(({WANTED.format(request='cards.request_id')}), 0)"  # noqa: S608 - fixed text
    )
    op.execute(
        "INSERT INTO request_counts (subuser_key, status, number) "
        "SELECT subuser_key, status, count(*) FROM requests GROUP BY subuser_key, status"
    )
    for statement in TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)

    for name in ("requests_by_status", "requests_lately", "requests_by_subuser", "requests_by_end"):
        op.drop_index(name, "requests")
    op.create_index("requests_by_subuser", "requests", ["subuser_key", "id"], unique=False)
    op.create_index(
        "requests_by_end",
        "requests",
        ["finished_at", "status", "subuser_key", "allocation_update"],
        unique=False,
    )
    part("requests_open", "requests", ["status", "subuser_key", "allocation_update"], OPEN)
    part("requests_to_expire", "requests", ["expires_at"], PENDING)
    part("requests_to_remind", "requests", ["remind_at"], f"{PENDING} AND remind_at IS NOT NULL")
    part("requests_never_reminded", "requests", ["remind_at"], f"{PENDING} AND remind_at >= expires_at")
    part(
        "requests_to_check",
        "requests",
        ["next_try_at"],
        f"{PENDING} AND (checked_at IS NULL OR overtaken_by IS NOT NULL)",
    )
    part("requests_decided", "requests", ["next_try_at"], DECIDED)
    behind = "given_up_at IS NULL AND (moved_at IS NOT NULL OR {})"
    op.create_index(
        "cards_behind",
        "cards",
        ["next_try_at"],
        unique=False,
        sqlite_where=sa.text(behind.format("cards.shown_version IS NOT cards.wanted_version")),
        postgresql_where=sa.text(behind.format("shown_version IS DISTINCT FROM wanted_version")),
    )
    op.drop_index("unsent_notices", "notices")
    part("unsent_notices", "notices", ["next_try_at"], UNTOLD)
    part("unposted_bulletins", "bulletins", ["next_try_at"], UNTOLD)
