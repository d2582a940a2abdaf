"""Cards that are elsewhere than where they belong now."""

from collections.abc import Callable
from datetime import datetime

from creditbot.domain.policy import Policy
from creditbot.store import cards
from creditbot.store.database import Database


async def move_cards(database: Database, policy: Policy, channel: str, clock: Callable[[], datetime]) -> int:
    """Give each open request a card in the channel that is named for it now, once; return how many moved.

    It is done at a start, since that is when another channel can be named. The messages that are left behind
    are drawn as pointers to the new ones by a job.
    """
    async with database.write() as transaction:
        elsewhere = {
            request_id: named
            for request_id, subuser, where in await cards.of_open_requests(transaction.connection)
            if where != (named := policy.channel_of(subuser, channel))
        }
        for request_id, named in elsewhere.items():
            await cards.move(transaction, request_id, named, clock())
    return len(elsewhere)
