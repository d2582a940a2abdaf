"""Cards, and what is yet to be posted, that are elsewhere than where they belong now."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from creditbot.domain.digest import DIGEST
from creditbot.domain.drift import DRIFT
from creditbot.domain.policy import Policy
from creditbot.store import cards, outbox
from creditbot.store.database import Database, Transaction

from .steps import in_steps

DAILY = (DIGEST, DRIFT)
"""What goes to the channel of approvals, whichever that is."""


async def move_cards(database: Database, policy: Policy, channel: str, clock: Callable[[], datetime]) -> int:
    """Give each open request a card in the channel that is named for it now, once; return how many moved.

    It is done at a start, since that is when another channel can be named. The messages that are left behind
    are drawn as pointers to the new ones by a job.
    """

    def elsewhere(found: Iterable[tuple[int, str, str]]) -> dict[int, str]:
        named = (
            (request_id, policy.channel_of(subuser, channel), where) for request_id, subuser, where in found
        )
        return {request_id: belongs for request_id, belongs, where in named if where != belongs}

    async def move(transaction: Transaction, request_ids: Sequence[int]) -> None:
        found = await cards.of_open_requests(transaction.connection, request_ids)
        for request_id, belongs in elsewhere(found).items():
            await cards.move(transaction, request_id, belongs, clock())

    async with database.write() as transaction:
        await outbox.readdress(transaction, DAILY, channel)
    async with database.read() as connection:
        moved = elsewhere(await cards.of_open_requests(connection))
    await in_steps(database, sorted(moved), move)
    return len(moved)
