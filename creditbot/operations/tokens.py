"""What an older version left without a token, which no click on its card can be about."""

from collections.abc import Callable
from datetime import datetime, timedelta

from creditbot.store import requests
from creditbot.store.database import Database

STILL_CLICKED = timedelta(days=7)
"""How long after a request failed someone may yet press *Request again*, so that its card is drawn anew."""


async def give_tokens(database: Database, clock: Callable[[], datetime]) -> None:
    """Give each of them one, and have its card drawn anew with it."""
    async with database.write() as transaction:
        now = clock()
        for request in await requests.without_token(transaction.connection, now - STILL_CLICKED):
            await requests.amend(transaction, request.id, "token_given", at=now, token=requests.new_token())
