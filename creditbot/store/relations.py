"""Which request follows which."""

from sqlalchemy import insert

from creditbot.domain.relations import Relation

from .database import Transaction
from .ledger_columns import recorded
from .tables import relations


async def add(transaction: Transaction, relation: Relation) -> dict[str, dict[str, object]]:
    """Have one request follow another; return what the event about it has to say of that.

    SQL refuses a second follower of a kind.
    """
    values = {
        "request_id": relation.request_id,
        "kind": relation.kind,
        "of_request": relation.of_request,
    }
    await transaction.connection.execute(insert(relations), values)
    return recorded(relations, values)
