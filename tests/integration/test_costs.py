"""What answers and requests cost, counted: transactions, calls under way, waits for a poll."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest
from aiohttp import ClientSession
from httpx_aiohttp import AiohttpTransport
from sqlalchemy import text

from creditbot.domain.commands import ShowBalance
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.who import Actor
from creditbot.operations import move_cards, steps
from creditbot.runners import embedded
from creditbot.runners import procrastinate as queue
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.store.engines import is_postgres
from creditbot.store.postgres import READERS
from creditbot.store.work import Queue

from .adapters import ANN, ASKER, Bot, Clock
from .conftest import StartBot, on_postgres
from .statements import executed
from .test_runner import runner_of, running, until

LISTENERS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'LISTEN %'
"""

ONCE_A_YEAR = "0 0 1 1 *"


def locked(statements: Sequence[str]) -> int:
    """Transactions that take the one lock of all writers."""
    return sum(
        "BEGIN IMMEDIATE" in statement or "pg_advisory_xact_lock" in statement for statement in statements
    )


async def to_its_end(bot: Bot) -> CreditRequest:
    """A request as it mostly goes: asked, shown, approved, applied, and all told."""
    request = await bot.ask()
    await bot.work()
    await bot.decisions.approve(request.id, ANN)
    await bot.work()
    return await bot.request(request.id)


async def test_a_request_takes_the_lock_of_all_writers_so_often_and_no_more(bot: Bot) -> None:
    """On SQLite what is shown takes it too: there is no other."""
    await bot.database.close()
    with executed() as statements:
        found = await to_its_end(bot)
    assert found.status is Status.APPLIED
    assert locked(statements) == (6 if is_postgres(bot.url) else 11)


async def test_jobs_are_woken_and_wait_for_no_poll(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "POLL", 3600)
    monkeypatch.setattr(queue, "POLLING", 3600)
    monkeypatch.setattr(queue, "EVERY_SECOND", ONCE_A_YEAR)

    async def is_shown() -> bool:
        return bool(bot.messenger.posted)

    async def is_told() -> bool:
        return (ASKER, "applied", request.id) in bot.messenger.notices

    async def all_listen() -> bool:
        """Who does not listen yet hears of nothing, and would find it at the next poll."""
        if not is_postgres(bot.url):
            return True
        async with bot.database.read() as connection:
            return bool(await connection.scalar(text(LISTENERS)) == len(Queue))

    async with running(runner_of(bot)):
        await until(all_listen)
        request = await bot.ask()
        await until(is_shown)
        await bot.decisions.approve(request.id, ANN)
        await until(is_told)
    assert await bot.status(request.id) is Status.APPLIED


async def test_both_parts_of_a_balance_are_asked_for_at_once(bot: Bot, sandbox: SendGridSandbox) -> None:
    sandbox.faults.add("hang_before", method="GET", times=2, seconds=60)
    looking = asyncio.create_task(bot.queries.balance(ShowBalance("acme"), Actor(ASKER)))
    await asyncio.wait_for(sandbox.until(lambda: len(sandbox.calls) == 2), 20)
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    assert {call.path for call in sandbox.calls} == {"/v3/user/credits", "/v3/subusers/acme/credits"}


async def test_cards_move_a_few_requests_at_a_time(
    bot: Bot, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "STEP", 2)
    for amount in range(1, 6):
        await bot.checked(amount)
    with executed() as statements:
        assert await move_cards(bot.database, bot.policy, "C0NEW", clock) == 5
    assert locked(statements) == 4, "one for what is yet to be posted, and three steps"


@on_postgres
async def test_readers_take_no_connection_from_who_writes(start: StartBot) -> None:
    bot = start()
    async with AsyncExitStack() as held:
        for _ in range(READERS + 4):
            await held.enter_async_context(bot.database.read())
        async with asyncio.timeout(20):
            assert (await bot.ask()).status is Status.PENDING


async def test_nothing_is_taken_from_the_environment_with_each_call(bot: Bot) -> None:
    """It would be read anew for each of them, which takes longer than the rest of a call."""
    for client in (bot.sendgrid._reads, bot.sendgrid._writes):
        transport = client._transport
        assert isinstance(transport, AiohttpTransport)
        assert isinstance(transport.client, ClientSession)
        assert not client.trust_env
        assert not transport.client.trust_env


def test_a_policy_is_hashed_once(bot: Bot) -> None:
    assert bot.policy.hash is bot.policy.hash
