"""What an older version left without a token, which no click on its card can be about."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from creditbot.store import requests
from creditbot.store.database import Database, Transaction

from .steps import in_steps

STILL_CLICKED = timedelta(days=7)
"""How long after a request failed someone may yet press *Request again*, so that its card is drawn anew."""


async def give_tokens(database: Database, clock: Callable[[], datetime]) -> None:
    """Give each of them one, and have its card drawn anew with it."""
    since = clock() - STILL_CLICKED

    async def give(transaction: Transaction, request_ids: Sequence[int]) -> None:
        for request_id in await requests.without_token(transaction.connection, since, request_ids):
            token = requests.new_token()
            await requests.amend(transaction, request_id, "token_given", at=clock(), token=token)

    async with database.read() as connection:
        without = await requests.without_token(connection, since)
    await in_steps(database, without, give)
