"""The tables. `migrations/` lays the same ones; a test holds the two together."""

from collections.abc import Callable, Collection
from functools import cache, partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    event,
    func,
    literal_column,
    text,
)

from creditbot.domain.requests import FINAL, HOLDS_SUBUSER, OPEN, Status

from . import append_only, in_step
from .types import Moment, StoredText

SCHEMA_VERSION = "0018"

VERSION_TABLE = "creditbot_version"
"""Where the migration is noted that the tables are at; Alembic's own name for it may be another program's."""

CARD = "card"
"""The kind of a message that shows a request."""

metadata = MetaData()

STATUSES = ", ".join(f"'{status}'" for status in Status)

requests = Table(
    "requests",
    metadata,
    Column("id", Integer, primary_key=True),
    # What delivered it (a trigger or a form), so that a second delivery finds the first; of a request that
    # follows one that failed, that one, so that there is no second follow-up.
    Column("origin", StoredText(200), nullable=False, unique=True),
    Column("subuser", StoredText(128), nullable=False),
    # `subuser_key` of it, by which requests are told apart; the name as it was typed is what is sent.
    Column("subuser_key", StoredText(128), nullable=False, server_default=text("''")),
    Column("allocation_update", BigInteger, nullable=False),
    Column("reason", StoredText(), nullable=False),
    Column("status", StoredText(20), nullable=False),
    Column("version", Integer, nullable=False),
    Column("requested_by", StoredText(64), nullable=False),
    # The workspace that its requester belongs to, if it is another one.
    Column("requester_team", StoredText(64)),
    Column("requested_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("approvals_needed", Integer, nullable=False),
    Column("checked_at", Moment),
    Column("credits_type", StoredText(40)),
    Column("checked_remain", BigInteger),
    Column("checked_total", BigInteger),
    Column("reset_frequency", StoredText(40)),
    Column("next_reset", StoredText(40)),
    Column("decided_by", StoredText(64)),
    Column("decided_at", Moment),
    Column("decision_reason", StoredText()),
    # When it was claimed for sending, and until when SendGrid may still be at work on an unclear attempt.
    Column("claimed_at", Moment),
    Column("unclear_until", Moment),
    Column("finished_at", Moment),
    Column("answer_status", Integer),
    # The last balance before it was sent, and one after, with the moments of which they are; and how much was
    # used before the one, and since (if it was not applied).
    Column("remain_before", BigInteger),
    Column("remain_before_at", Moment),
    Column("remain_after", BigInteger),
    Column("remain_after_at", Moment),
    Column("used_before", BigInteger),
    Column("used_since", BigInteger),
    Column("explanation", StoredText()),
    Column("settled_by", StoredText(64)),
    Column("settled_reason", StoredText()),
    Column("waits_for", Integer),
    # When SendGrid's own late answer said otherwise than how a doubt had been settled.
    Column("contradicted_at", Moment),
    # The policy under which it was asked, or approved; and why its own requester approved it in an emergency.
    Column("policy_hash", StoredText(64)),
    Column("break_glass_reason", StoredText()),
    # While it waits: the change of the same subuser that was applied after its balance was read.
    Column("overtaken_by", Integer),
    # What its card's buttons carry, so that a click tells which request it is about. None of a request that
    # an older version took down, until a process of this one starts.
    Column("token", StoredText(32)),
    # The policy that it follows: its expiry, its reminders and its card.
    Column("follows_policy", StoredText(64)),
    # When a job may next work on it, and how often it has tried in this state.
    Column("next_try_at", Moment),
    Column("tries", Integer, nullable=False, server_default="0"),
    # When those who have not decided are reminded next, and how many of the policy's reminders are over.
    Column("remind_at", Moment),
    Column("reminded", Integer, nullable=False, server_default="0"),
    # After a first reading that spoke against a removal (`remain_after`): when the second one is due, without
    # which that proves nothing.
    Column("read_again_at", Moment),
    # How often a job has begun with it since one got anywhere, and when the next may begin.
    Column("runs", Integer, nullable=False, server_default="0"),
    Column("run_after", Moment),
    CheckConstraint(f"status IN ({STATUSES})", name="known_status"),
    CheckConstraint("allocation_update <> 0", name="some_change"),
    sqlite_autoincrement=True,
)


def is_in(statuses: Collection[Status]) -> ColumnElement[bool]:
    """Whether a request is in one of these, written out in SQL as an index of a part of the table has it.

    SQLite takes such an index only for a query that repeats its condition.
    """
    written = _written(statuses)
    return requests.c.status == written[0] if len(written) == 1 else requests.c.status.in_(written)


def _written(statuses: Collection[Status]) -> list[ColumnElement[str]]:
    return [literal_column(f"'{status}'") for status in sorted(statuses)]


def is_among_lately(subuser_key: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a request is of this subuser, for a query of what has ended lately.

    As an expression, for which there is no index: one subuser may have far more than have ended lately.
    """
    return func.coalesce(requests.c.subuser_key, literal_column("''")) == subuser_key


def _part(name: str, *columns: Column[Any], where: ColumnElement[bool], unique: bool = False) -> None:
    """An index of the rows to which there is more to come: as small as what is under way, however long the
    record is.
    """
    _PARTS.append(partial(Index, name, *columns, unique=unique, sqlite_where=where, postgresql_where=where))


_PARTS: list[Callable[[], Index]] = []


@cache
def whole_schema() -> MetaData:
    """The tables with all their indexes.

    Statements need none of those of a part, for which SQLAlchemy imports the dialects of both databases.
    """
    for lay in _PARTS:
        lay()
    return metadata


IS_PENDING, IS_HELD = is_in({Status.PENDING}), is_in(HOLDS_SUBUSER)
NOT_ENDED = requests.c.status.not_in(_written(FINAL))
"""Also in a state that this version does not know."""
IS_OPEN = NOT_ENDED & is_in(OPEN)
IS_DECIDED = is_in(OPEN - {Status.PENDING})
"""Open, and past the decision: a job is at work on it, or will be."""

TO_REMIND = IS_PENDING & requests.c.remind_at.is_not(None)
NEVER_REMINDED = IS_PENDING & (requests.c.remind_at >= requests.c.expires_at)
"""Only where a time was damaged."""
TO_CHECK = IS_PENDING & (requests.c.checked_at.is_(None) | requests.c.overtaken_by.is_not(None))

# One change of a subuser at a time: while one is under way or in doubt, the next waits.
_part("one_change_per_subuser", requests.c.subuser_key, unique=True, where=IS_HELD)
# An earlier version that still runs knows no keys; this holds it to one change of a name at least.
_part("one_change_per_spelling", requests.c.subuser, unique=True, where=IS_HELD)
_part(
    "requests_open",
    requests.c.status,
    requests.c.subuser_key,
    requests.c.allocation_update,
    where=NOT_ENDED,
)
_part("requests_to_expire", requests.c.expires_at, where=IS_PENDING)
_part("requests_to_remind", requests.c.remind_at, where=TO_REMIND)
_part("requests_never_reminded", requests.c.remind_at, where=NEVER_REMINDED)
_part("requests_to_check", requests.c.next_try_at, where=TO_CHECK)
_part("requests_decided", requests.c.next_try_at, where=IS_DECIDED)
Index("requests_by_subuser", requests.c.subuser_key, requests.c.id)
# With what the caps count, but for the person: PostgreSQL can't index whatever may come as a person's ID.
Index(
    "requests_by_end",
    requests.c.finished_at,
    requests.c.status,
    requests.c.subuser_key,
    requests.c.allocation_update,
)

# Kept by triggers: see `in_step`.
request_counts = Table(
    "request_counts",
    metadata,
    Column("subuser_key", StoredText(128), primary_key=True),
    Column("status", StoredText(20), primary_key=True),
    Column("number", Integer, nullable=False),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("request_id", Integer, ForeignKey("requests.id"), nullable=False),
    Column("approver", StoredText(64), nullable=False),
    Column("at", Moment, nullable=False),
    UniqueConstraint("request_id", "approver", name="one_approval_each"),
)

# Which request follows which, and why: see `domain/relations.py`.
relations = Table(
    "relations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("request_id", Integer, ForeignKey("requests.id"), nullable=False),
    Column("kind", StoredText(20), nullable=False),
    Column("of_request", Integer, ForeignKey("requests.id"), nullable=False),
    UniqueConstraint("request_id", "kind", name="follows_one"),
    UniqueConstraint("of_request", "kind", name="one_follower"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("request_id", Integer, ForeignKey("requests.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", Moment, nullable=False),
    # When whoever sends it has given up waiting for SendGrid: how long that waits is its own setting.
    Column("over_at", Moment),
    Column("credits_type", StoredText(40)),
    Column("remain_before", BigInteger),
    Column("last_reset", StoredText(40)),
    Column("finished_at", Moment),
    Column("outcome", StoredText(20)),
    Column("answer_status", Integer),
    Column("answer_body", StoredText()),
    Column("detail", StoredText()),
    # Two processes that both mean to send the next attempt can't both write it down.
    UniqueConstraint("request_id", "number", name="each_attempt_once"),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("request_id", Integer, ForeignKey("requests.id")),
    Column("at", BigInteger, nullable=False),
    Column("kind", StoredText(40), nullable=False),
    Column("actor", StoredText(64)),
    Column("from_status", StoredText(20)),
    Column("to_status", StoredText(20)),
    Column("detail", StoredText(), nullable=False),
    Column("previous_hash", StoredText(64), nullable=False, unique=True),
    Column("hash", StoredText(64), nullable=False, unique=True),
    # No state is entered twice, whatever the code does. (NULLs are distinct: other events may repeat.)
    UniqueConstraint("request_id", "to_status", name="each_state_once"),
)
Index("events_by_request", events.c.request_id)
Index("events_by_kind", events.c.kind, events.c.id)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    # What it tells of, where each person is told once of each kind of news, in the order in which they came;
    # None of a message that follows a state.
    Column("subject", StoredText(64)),
    Column("request_id", Integer, ForeignKey("requests.id")),
    Column("kind", StoredText(40), nullable=False),
    # A channel or a person.
    Column("recipient", StoredText(64), nullable=False),
    # What was worked out once; None where it is read from the tables when it is shown.
    Column("content", StoredText()),
    # The message in Slack that can be changed; None until it was posted, as far as anyone recorded.
    Column("ts", StoredText(40)),
    # How often it may have been posted: counted before each post, and back only if that was clearly refused.
    Column("posts", Integer, nullable=False, server_default="0"),
    Column("shown_version", Integer, nullable=False, server_default="0"),
    # What is told once has 1. A card has the version of its request, once there is something to show of it,
    # which is kept by triggers: see `in_step`.
    Column("wanted_version", Integer, nullable=False, server_default="1"),
    Column("created_at", Moment, nullable=False),
    # When it was last posted or changed, or came to be of no use.
    Column("sent_at", Moment),
    Column("next_try_at", Moment),
    # The moment that it was given in the line for Slack's limit.
    Column("turn_at", Moment),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("error", StoredText()),
    Column("failing_since", Moment),
    # When nothing more was to be shown there.
    Column("given_up_at", Moment),
    # When its request got a card in another channel, to which this message is to point.
    Column("moved_at", Moment),
)
IS_CARD = outbox.c.kind == literal_column(f"'{CARD}'")
TOLD_ONCE = outbox.c.subject.is_not(None)
IS_OLDER = outbox.c.shown_version.is_distinct_from(outbox.c.wanted_version)
BEHIND = outbox.c.given_up_at.is_(None) & (outbox.c.moved_at.is_not(None) | IS_OLDER)
Index("outbox_by_request", outbox.c.request_id)
_part("outbox_behind", outbox.c.next_try_at, where=BEHIND)
_part("outbox_by_age", outbox.c.created_at, where=TOLD_ONCE)
_part("told_once", outbox.c.subject, outbox.c.recipient, outbox.c.kind, where=TOLD_ONCE, unique=True)
_part("each_message_once", outbox.c.recipient, outbox.c.ts, where=outbox.c.ts.is_not(None), unique=True)

# Of each limit that Slack sets: until when it is taken up by what is sent or has its turn, and until when
# Slack wants to be left alone.
paces = Table(
    "paces",
    metadata,
    Column("name", StoredText(100), primary_key=True),
    Column("taken_until", Moment, nullable=False),
    Column("paused_until", Moment),
)

# What is done by the clock, each of which has one row.
timers = Table(
    "timers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", StoredText(40), nullable=False, unique=True),
    Column("due_at", Moment, nullable=False),
    # When a job may next work on it, once it is due, and how often it has failed since that got anywhere.
    Column("next_try_at", Moment),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("error", StoredText()),
    # As of a request.
    Column("runs", Integer, nullable=False, server_default="0"),
    Column("run_after", Moment),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subuser", StoredText(128), nullable=False),
    Column("at", Moment, nullable=False),
    # All None if SendGrid did not let them be read.
    Column("credits_type", StoredText(40)),
    Column("remain", BigInteger),
    Column("last_reset", StoredText(40)),
)
Index("snapshots_by_subuser", snapshots.c.subuser, snapshots.c.at)
Index("snapshots_by_age", snapshots.c.at)

deliveries = Table(
    "deliveries",
    metadata,
    # What Slack calls it: a trigger or a view.
    Column("id", StoredText(), primary_key=True),
    Column("at", Moment, nullable=False),
)
Index("deliveries_by_age", deliveries.c.at)

# What somebody asked for who had just asked for the same, and has to say once more.
questions = Table(
    "questions",
    metadata,
    Column("token", StoredText(32), primary_key=True),
    # As of a request: what delivered it, and so the origin of the request that may come of it.
    Column("origin", StoredText(200), nullable=False, unique=True),
    Column("person", StoredText(64), nullable=False),
    Column("subuser", StoredText(128), nullable=False),
    Column("allocation_update", BigInteger, nullable=False),
    Column("reason", StoredText(), nullable=False),
    # The request for the same that came before.
    Column("same_as", Integer, nullable=False),
    Column("at", Moment, nullable=False),
)
Index("questions_by_age", questions.c.at)


@event.listens_for(events, "after_create")
def lay_triggers(_table: Table, connection: Connection, **_: Any) -> None:
    """The database itself refuses to change what has been recorded."""
    append_only.lay(connection)


@event.listens_for(metadata, "after_create")
def keep_in_step(_metadata: MetaData, connection: Connection, **_: Any) -> None:
    in_step.lay(connection)
