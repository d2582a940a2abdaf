"""What Slack has delivered of late: it delivers at least once, and each delivery does its work once."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select

from .database import Transaction
from .tables import deliveries
from .types import Moment

PROBE = "probe"

KEPT = timedelta(hours=1)
"""Longer than Slack goes on delivering anything again."""

FORGOTTEN = 20
"""How many are forgotten with each that comes, so that they become fewer, and nobody waits for that."""


async def leave_no_trace(transaction: Transaction) -> None:
    """A change that is none in the end, but has to be written all the same."""
    connection, never = transaction.connection, datetime.fromtimestamp(0, UTC)
    await connection.execute(insert(deliveries).values(id=PROBE, at=never))
    await connection.execute(delete(deliveries).where(deliveries.c.id == PROBE))


async def came_before(transaction: Transaction, delivery_id: str, now: datetime) -> bool:
    """Whether this has been delivered within the hour; from now on it has, if the transaction commits.

    The write lock is held, so of two deliveries at once the second finds the first.
    """
    connection = transaction.connection
    await connection.execute(_FORGET, {"long_ago": now - KEPT})
    if await connection.scalar(_KNOWN, {"the_id": delivery_id}) is not None:
        return True
    await connection.execute(insert(deliveries), {"id": delivery_id, "at": now})
    return False


_OLD = (
    select(deliveries.c.id)
    .where(deliveries.c.at < bindparam("long_ago", type_=Moment()))
    .order_by(deliveries.c.at)
    .limit(FORGOTTEN)
)
_FORGET = delete(deliveries).where(deliveries.c.id.in_(_OLD))
_KNOWN = select(deliveries.c.id).where(deliveries.c.id == bindparam("the_id"))
