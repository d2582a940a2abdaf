"""How often SendGrid is read when many ask for the same balance, and what a PATCH goes by meanwhile."""

import asyncio
from collections import Counter

from creditbot.domain.commands import ShowBalance
from creditbot.domain.requests import Status
from creditbot.domain.who import Actor
from creditbot.sandbox.sendgrid import SendGridSandbox

from .adapters import ANN, Bot, patches
from .conftest import on_sqlite


def gets(sandbox: SendGridSandbox) -> Counter[str]:
    return Counter(call.path for call in sandbox.calls if call.method == "GET")


@on_sqlite
async def test_fifty_who_ask_for_a_balance_at_once_cost_one_get_of_each_part(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    reports = await asyncio.gather(
        *(bot.queries.balance(ShowBalance("acme"), Actor(f"U{number}")) for number in range(50))
    )
    assert gets(sandbox) == {"/v3/user/credits": 1, "/v3/subusers/acme/credits": 1}
    assert len(set(map(repr, reports))) == 1

    await bot.queries.balance(ShowBalance("acme"), Actor(ANN))
    assert set(gets(sandbox).values()) == {2}


@on_sqlite
async def test_a_job_reads_for_itself_while_people_are_reading_the_same(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    request = await bot.approved()
    sandbox.calls.clear()
    await bot.apply(request.id)
    alone = gets(sandbox)
    assert alone["/v3/subusers/acme/credits"] > 0

    request = await bot.approved()
    sandbox.calls.clear()
    await asyncio.gather(
        *(bot.queries.balance(ShowBalance("acme"), Actor(ANN)) for _ in range(10)), bot.apply(request.id)
    )
    assert gets(sandbox) == alone + Counter(["/v3/user/credits", "/v3/subusers/acme/credits"])
    assert len(patches(sandbox)) == 1
    assert await bot.status(request.id) is Status.APPLIED
