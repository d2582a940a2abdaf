"""From when on which policy held: in the ledger, and for the requests that are open."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

from creditbot.domain.policy import Policy
from creditbot.domain.reminders import over_since
from creditbot.domain.requests import CreditRequest
from creditbot.domain.schedule import NEXT
from creditbot.store import events, requests, timers
from creditbot.store.database import Database, Transaction

from .steps import in_steps

Came = Literal["first", "another"]


async def activate_policy(database: Database, policy: Policy, clock: Callable[[], datetime]) -> Came | None:
    """Write down that this policy holds from now on, whole, unless it was the last one written down.

    Requests that are open follow it: their cards are drawn anew; of its reminders those are over whose
    moment had come when people were last reminded; and where it gives less time, they expire earlier (never
    later). Returns whether it is the ledger's first policy or another than before; None if it held already.

    First it is written down, then the requests follow in small steps: other processes go on meanwhile, and
    this one decides nothing before all do.

    A ledger key that is new is taken now, and not only when something happens.
    """
    async with database.write() as transaction:
        last = await events.latest(transaction.connection, "policy")
        now = clock()
        await events.take_key(transaction.connection, now)
        known = last is not None and last.get("hash") == policy.hash
        for name, next_of in NEXT.items():
            await _plan(transaction, name, next_of(policy, now), now)
        if not known:
            detail = {"hash": policy.hash, "policy": policy.document()}
            await events.append(transaction.connection, "policy", at=now, detail=detail)
    await _have_all_follow(database, policy, clock)
    if known:
        return None
    return "first" if last is None else "another"


async def _have_all_follow(database: Database, policy: Policy, clock: Callable[[], datetime]) -> None:
    """It may have been begun by a process that did not end it, so it is done whether or not that was new."""

    async def follow(transaction: Transaction, request_ids: Sequence[int]) -> None:
        for request in await requests.to_follow(transaction.connection, policy.hash, request_ids):
            await _follow(transaction, policy, request, clock())

    async with database.read() as connection:
        others = await requests.not_following(connection, policy.hash)
    await in_steps(database, others, follow)


async def _plan(transaction: Transaction, name: str, at: datetime | None, now: datetime) -> None:
    """Set a timer to that moment, unless it is overdue: then its work is still done."""
    planned = await timers.planned(transaction.connection, name)
    overdue = planned is not None and planned <= now
    if planned != at and not (overdue and at is not None):
        await timers.plan(transaction, name, at)


async def _follow(transaction: Transaction, policy: Policy, request: CreditRequest, now: datetime) -> None:
    tiers = policy.tiers_of(request.changes)
    expires_at = request.expires_at
    if tiers:
        expires_at = min(expires_at, request.requested_at + policy.expiry_of(*tiers))
    last = await events.reminded_at(transaction.connection, request.id)
    reminded = over_since(policy, request.requested_at, last)
    if expires_at == request.expires_at:
        await requests.touch(
            transaction, request.id, remind_at=now, reminded=reminded, follows_policy=policy.hash
        )
        return
    await requests.amend(
        transaction,
        request.id,
        "shortened",
        at=now,
        detail={"policy": policy.hash, "expires_at": expires_at.isoformat()},
        remind_at=now,
        reminded=reminded,
        expires_at=expires_at,
        follows_policy=policy.hash,
    )
