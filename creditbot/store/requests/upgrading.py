"""Requests that another policy, or an older version, has left as they are not to stay."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select, union_all

from creditbot.domain.requests import CreditRequest, Status
from creditbot.store.connection import AsyncConnection
from creditbot.store.tables import IS_OPEN, IS_PENDING, NOT_ENDED, is_in, requests

from .rows import ALL, load_readable


async def not_following(connection: AsyncConnection, policy_hash: str) -> list[int]:
    """The IDs of those that wait for approvals and follow another policy than this, oldest first."""
    query = select(requests.c.id).where(IS_OPEN, IS_PENDING, _follows_another(policy_hash))
    return sorted((await connection.execute(query)).scalars())


async def to_follow(
    connection: AsyncConnection, policy_hash: str, among: Sequence[int]
) -> list[CreditRequest]:
    """Those of some requests that are still `not_following`, and can be read."""
    query = ALL.where(requests.c.id.in_(among), IS_PENDING, _follows_another(policy_hash))
    return await load_readable(connection, query.order_by(requests.c.id))


def _follows_another(policy_hash: str) -> ColumnElement[bool]:
    return requests.c.follows_policy.is_distinct_from(policy_hash)


async def without_token(
    connection: AsyncConnection, since: datetime, among: Sequence[int] | None = None
) -> list[int]:
    """Those of an older version that its cards still have buttons for: open, or failed since then."""
    none = select(requests.c.id).where(requests.c.token.is_(None))
    if among is not None:
        none = none.where(requests.c.id.in_(among))
    failed = is_in({Status.FAILED}), requests.c.finished_at >= since
    found = union_all(none.where(NOT_ENDED), none.where(*failed))
    return sorted((await connection.execute(found)).scalars())
