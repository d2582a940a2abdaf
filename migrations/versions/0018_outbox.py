"""One outbox for whatever is shown in Slack, a pace for each of its limits, and a table of timers."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

WANTED = "SELECT version FROM requests WHERE requests.id = {request} AND requests.checked_at IS NOT NULL"

TRIGGERS = {
    "sqlite": [
        "DROP TRIGGER IF EXISTS cards_follow",
        (
            "CREATE TRIGGER cards_begin AFTER INSERT ON outbox WHEN NEW.kind = 'card' BEGIN "  # noqa: S608 - fixed text
            f"UPDATE outbox SET wanted_version = coalesce(({WANTED.format(request='NEW.request_id')}), 0) "
            "WHERE id = NEW.id; END"
        ),
        (
            "CREATE TRIGGER cards_follow AFTER UPDATE OF version, checked_at ON requests "
            "WHEN NEW.checked_at IS NOT NULL BEGIN "
            "UPDATE outbox SET wanted_version = NEW.version WHERE request_id = NEW.id AND kind = 'card'; END"
        ),
    ],
    "postgresql": [
        (
            "CREATE OR REPLACE FUNCTION cards_begin() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"BEGIN NEW.wanted_version := coalesce(({WANTED.format(request='NEW.request_id')}), 0); "
            "RETURN NEW; END $$"
        ),
        (
            "CREATE OR REPLACE FUNCTION cards_follow() RETURNS trigger LANGUAGE plpgsql AS $$ "
            "BEGIN UPDATE outbox SET wanted_version = NEW.version "
            "WHERE request_id = NEW.id AND kind = 'card'; RETURN NULL; END $$"
        ),
        (
            "CREATE TRIGGER cards_begin BEFORE INSERT ON outbox FOR EACH ROW WHEN (NEW.kind = 'card') "
            "EXECUTE FUNCTION cards_begin()"
        ),
    ],
}

CARDS = """
INSERT INTO outbox (request_id, kind, recipient, ts, posts, shown_version, wanted_version, created_at,
                    next_try_at, tries, error, failing_since, given_up_at, moved_at)
SELECT cards.request_id, 'card', channel, ts, posts, shown_version, wanted_version, requests.requested_at,
       cards.next_try_at, cards.tries, error, failing_since, given_up_at, moved_at
  FROM cards JOIN requests ON requests.id = cards.request_id ORDER BY cards.id
"""

NOTICES = """
INSERT INTO outbox (subject, request_id, kind, recipient, shown_version, wanted_version, created_at, sent_at,
                    next_try_at, tries, error, failing_since, given_up_at)
SELECT 'request ' || request_id, request_id, kind, person, CASE WHEN sent_at IS NULL THEN 0 ELSE 1 END, 1,
       created_at, sent_at, next_try_at, tries, error, failing_since, given_up_at
  FROM notices ORDER BY id
"""

IS_TIMER = "content IS NULL AND sent_at IS NULL AND given_up_at IS NULL AND kind IN ('digest', 'drift')"

# To which channel, the next start says. What is neither a digest nor a comparison was damaged.
BULLETINS = f"""
INSERT INTO outbox (subject, kind, recipient, content, shown_version, wanted_version, created_at, sent_at,
                    next_try_at, tries, error, failing_since, given_up_at)
SELECT 'bulletin ' || id, CASE kind WHEN 'drift' THEN 'drift' ELSE 'digest' END, '', content,
       CASE WHEN sent_at IS NULL THEN 0 ELSE 1 END, 1, due_at, sent_at,
       next_try_at, tries, error, failing_since, given_up_at
  FROM bulletins WHERE NOT ({IS_TIMER}) ORDER BY id
"""  # noqa: S608 - fixed text

TIMERS = f"""
INSERT INTO timers (name, due_at, next_try_at, tries, error, runs, run_after)
SELECT CASE kind WHEN 'drift' THEN 'comparison' ELSE 'digest' END, due_at, next_try_at, tries, error, runs,
       run_after
  FROM bulletins
 WHERE id IN (SELECT max(id) FROM bulletins WHERE {IS_TIMER} GROUP BY kind) ORDER BY id
"""  # noqa: S608 - fixed text


def words(usual: int) -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.String(length=usual), "sqlite")


def count(name: str, begins_with: int = 0) -> "sa.Column[int]":
    return sa.Column(name, sa.Integer(), server_default=str(begins_with), nullable=False)


def moment(name: str, *, nullable: bool = True) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def part(name: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    op.create_index(
        name, "outbox", columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    to_requests = sa.ForeignKeyConstraint(["request_id"], ["requests.id"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject", words(64), nullable=True),
        sa.Column("request_id", sa.Integer(), nullable=True),
        sa.Column("kind", words(40), nullable=False),
        sa.Column("recipient", words(64), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("ts", words(40), nullable=True),
        count("posts"),
        count("shown_version"),
        count("wanted_version", 1),
        moment("created_at", nullable=False),
        moment("sent_at"),
        moment("next_try_at"),
        moment("turn_at"),
        count("tries"),
        sa.Column("error", sa.Text(), nullable=True),
        moment("failing_since"),
        moment("given_up_at"),
        moment("moved_at"),
        sa.PrimaryKeyConstraint("id"),
        *([to_requests] if sqlite else []),
    )
    op.create_table(
        "paces",
        sa.Column("name", words(100), nullable=False),
        moment("taken_until", nullable=False),
        moment("paused_until"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "timers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", words(40), nullable=False),
        moment("due_at", nullable=False),
        moment("next_try_at"),
        count("tries"),
        sa.Column("error", sa.Text(), nullable=True),
        count("runs"),
        moment("run_after"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    # Row by row in the database, and indexes afterwards.
    for statement in (CARDS, NOTICES, BULLETINS, TIMERS):
        op.execute(statement)
    if sqlite:  # it refers to the table
        op.execute("DROP TRIGGER IF EXISTS cards_begin")
    for table in ("cards", "notices", "bulletins"):
        op.drop_table(table)
    if not sqlite:
        op.create_foreign_key("outbox_request_id_fkey", "outbox", "requests", ["request_id"], ["id"])
    older = "outbox.shown_version IS NOT outbox.wanted_version"
    behind = "given_up_at IS NULL AND (moved_at IS NOT NULL OR {})"
    op.create_index(
        "outbox_behind",
        "outbox",
        ["next_try_at"],
        unique=False,
        sqlite_where=sa.text(behind.format(older)),
        postgresql_where=sa.text(behind.format("shown_version IS DISTINCT FROM wanted_version")),
    )
    op.create_index("outbox_by_request", "outbox", ["request_id"], unique=False)
    part("outbox_by_age", ["created_at"], "subject IS NOT NULL")
    part("told_once", ["subject", "recipient", "kind"], "subject IS NOT NULL", unique=True)
    part("each_message_once", ["recipient", "ts"], "ts IS NOT NULL", unique=True)
    for statement in TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)
