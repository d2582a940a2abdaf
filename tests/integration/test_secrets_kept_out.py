"""No secret of the process comes into the ledger, whoever types it and wherever."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from creditbot.domain.errors import CommandError
from creditbot.domain.requests import Status
from creditbot.domain.secrecy import Secrets
from creditbot.store import requests

from .adapters import ANN, ASKER, BEN, Bot
from .conftest import StartBot, on_sqlite

PASSWORD, SIGNING = "hunter22", "8f742231b10e8888abcd99yyyzzz85a5"
TOKEN = "SG.abcdefghij.klmnopqrst"


@pytest.fixture
async def bot(start: StartBot) -> Bot:
    return start(secrets=Secrets.of([PASSWORD, SIGNING]))


async def everything(bot: Bot) -> str:
    """All that the ledger has, and what stands beside it."""
    async with bot.database.read() as connection:
        rows = [
            list(await connection.execute(text(f"SELECT * FROM {table}")))  # noqa: S608 - names of ours
            for table in ("events", "requests", "approvals", "deliveries")
        ]
    return str(rows)


async def settled(bot: Bot, reason: str) -> None:
    request = await bot.applying()
    async with bot.database.write() as transaction:
        await requests.transition(transaction, request, Status.IN_DOUBT, kind="in_doubt", at=bot.clock())
    bot.clock.advance(minutes=5)
    await bot.settlements.settle(request.id, BEN, applied=False, reason=reason)


async def denied(bot: Bot, reason: str) -> None:
    await bot.decisions.deny((await bot.checked()).id, ANN, reason)


async def approved_alone(bot: Bot, reason: str) -> None:
    await bot.decisions.break_glass((await bot.checked()).id, ASKER, reason)


TYPED: dict[str, Callable[[Bot, str], Awaitable[object]]] = {
    "asked": lambda bot, words: bot.ask(reason=words),
    "named": lambda bot, words: bot.ask(subuser=words),
    "denied": denied,
    "approved in an emergency": approved_alone,
    "settled": settled,
}


@on_sqlite
@pytest.mark.parametrize("secret", [PASSWORD, SIGNING])
@pytest.mark.parametrize("type_", TYPED.values(), ids=TYPED.keys())
async def test_what_is_typed_with_a_secret_of_this_process_is_not_written_down(
    bot: Bot, type_: Callable[[Bot, str], Awaitable[object]], secret: str
) -> None:
    with pytest.raises(CommandError) as caught:
        await type_(bot, f"it-is-{secret}")

    assert secret not in caught.value.sentence
    assert secret not in await everything(bot)


@on_sqlite
@pytest.mark.parametrize("secret", [PASSWORD, SIGNING, TOKEN])
async def test_a_strange_click_with_a_secret_in_it_is_written_down_without(bot: Bot, secret: str) -> None:
    # Longer than what is kept of it, so that the secret must be taken out before it is cut.
    words = f"{'x' * (40 - len(secret) // 2)}={secret}"

    assert await bot.clicks.refuse_unknown_button(BEN, words, words)

    found = await everything(bot)
    assert '"unknown_button"' in found
    assert secret[: len(secret) // 2 - 2] not in found
