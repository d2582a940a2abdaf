"""One decision about several requests: all of it is written, or nothing but why not."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain.errors import Refusal
from creditbot.domain.policy import Limits, Policy, Tier
from creditbot.domain.requests import CreditRequest, Status, in_one_decision
from creditbot.domain.secrecy import Secrets
from creditbot.domain.who import Who
from creditbot.operations import Decider, Decisions
from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser
from creditbot.store import requests
from creditbot.store.tables import requests as table

from .adapters import ANN, ASKER, BEN, CHANNEL, POLICY, Bot, ids
from .conftest import StartBot
from .statements import executed

SUBUSERS = ("acme", "other", "third")
TWO = Policy.one_tier([ANN, BEN], 2)
BY_SUM = Policy((Tier("small", Who.of([ANN]), up_to=500), Tier("large", Who.of([BEN]), above=500)))


@pytest.fixture(autouse=True)
def third(sandbox: SendGridSandbox) -> None:
    sandbox.account.add_subuser(Subuser("third", type="nonrecurring", remain=1000))


async def three(bot: Bot) -> list[CreditRequest]:
    return [await bot.checked(250 + number, name) for number, name in enumerate(SUBUSERS)]


def of_all(bot: Bot, among: Sequence[CreditRequest]) -> Decisions:
    """Decisions of this bot, each of which is about all these requests."""

    async def load(connection: AsyncConnection, request_id: int) -> Sequence[CreditRequest]:
        query = requests.ALL.where(table.c.id.in_([request.id for request in among]))
        found = await requests.load_readable(connection, query.order_by(table.c.id != request_id))
        return in_one_decision(found)

    decider = Decider(bot.database, bot.policy, bot.directory, bot.clock, together=load)
    return Decisions(bot.database, decider, bot.policy, CHANNEL, bot.clock, secrets=Secrets())


async def standing(bot: Bot, among: Sequence[CreditRequest]) -> list[tuple[Status, tuple[str, ...]]]:
    found = [await bot.request(request.id) for request in among]
    return [(request.status, request.approvers) for request in found]


async def test_one_approval_approves_all_of_them_in_one_commit(bot: Bot) -> None:
    those = await three(bot)

    with executed() as statements:
        found = await of_all(bot, those).approve(those[1].id, ANN)

    assert (found.id, found.status) == (those[1].id, Status.APPROVED)
    assert await standing(bot, those) == [(Status.APPROVED, (ANN,))] * 3
    assert [(await bot.kinds(request.id))[-1] for request in those] == ["approved"] * 3
    writes = [number for number, text in enumerate(statements) if "INTO approvals" in text]
    moves = [number for number, text in enumerate(statements) if text.startswith("UPDATE requests")]
    assert (len(writes), len(moves)) == (3, 3)
    first, last = min(writes + moves), max(writes + moves)
    assert "COMMIT" not in statements[first:last]
    assert statements[last:].count("COMMIT") == 1
    await bot.work("apply")
    assert [status for status, _ in await standing(bot, those)] == [Status.APPLIED] * 3


async def test_no_more_is_read_of_three_than_of_one(start: StartBot) -> None:
    bot = start(policy=replace(TWO, limits=Limits(per_requester_24h=10**6, per_subuser_24h=10**6)))
    those, alone = await three(bot), await bot.checked(9)

    def reads(statements: Sequence[str]) -> Counter[str]:
        """What is read to judge; a ledger's head is read for each event that is written."""
        return Counter(
            text.split("FROM", 1)[1].split()[0]
            for text in statements
            if text.startswith("SELECT") and "FROM" in text and "FROM events" not in text
        )

    for who in (ANN, BEN):  # the one counts, the other decides
        with executed() as of_three:
            await of_all(bot, those).approve(those[0].id, who)
        with executed() as of_one:
            await of_all(bot, [alone]).approve(alone.id, who)
        told = Counter(outbox=reads(of_three)["outbox"] - reads(of_one)["outbox"])
        assert reads(of_three) - told == reads(of_one)
    assert await standing(bot, [*those, alone]) == [(Status.APPROVED, (ANN, BEN))] * 4


@pytest.mark.parametrize("doing", ["approve", "deny"])
async def test_one_that_may_not_be_decided_keeps_all_from_it(bot: Bot, doing: str) -> None:
    those = await three(bot)
    await bot.decisions.cancel(those[2].id, ASKER)
    before, kinds = await standing(bot, those), [await bot.kinds(request.id) for request in those]

    decisions = of_all(bot, those)
    more = {"approve": (), "deny": ("no",)}[doing]
    with pytest.raises(Refusal, match=f"Request {those[2].id} has already been cancelled"):
        await getattr(decisions, doing)(those[0].id, ANN, *more)

    assert await standing(bot, those) == before
    after = [await bot.kinds(request.id) for request in those]
    assert after == [[*kinds[0], "refused_click"], kinds[1], kinds[2]]
    assert ids(await bot.due(), "apply") == []


async def test_what_is_too_much_together_is_refused_although_each_would_do(start: StartBot) -> None:
    bot = start(policy=replace(TWO, limits=Limits(per_request=600)))
    those = await three(bot)
    decisions = of_all(bot, those)
    await decisions.approve(those[0].id, ANN)

    with pytest.raises(Refusal, match="these 3 would change 753"):
        await decisions.approve(those[0].id, BEN)

    assert await standing(bot, those) == [(Status.PENDING, (ANN,))] * 3
    await bot.decisions.approve(those[0].id, BEN)
    assert await bot.status(those[0].id) is Status.APPROVED


async def test_what_is_just_not_too_much_together_is_counted_once(start: StartBot) -> None:
    exactly = Limits(per_requester_24h=753, per_subuser_24h=252, in_all_24h=753)
    bot = start(policy=replace(POLICY, limits=exactly))
    those = await three(bot)

    await of_all(bot, those).approve(those[0].id, ANN)

    assert await standing(bot, those) == [(Status.APPROVED, (ANN,))] * 3


async def test_their_sum_needs_those_who_may_approve_so_much(start: StartBot) -> None:
    bot = start(policy=BY_SUM)
    those = await three(bot)
    decisions = of_all(bot, those)

    await decisions.approve(those[0].id, ANN)
    assert await standing(bot, those) == [(Status.PENDING, (ANN,))] * 3
    await decisions.approve(those[0].id, BEN)

    assert await standing(bot, those) == [(Status.APPROVED, (ANN, BEN))] * 3
    detail = json.loads((await bot.events(those[0].id))[-1]["detail"])
    assert detail["counted"] == [ANN, BEN]


@pytest.mark.parametrize("doing", ["deny", "cancel", "withdraw"])
async def test_whatever_is_decided_is_decided_of_all(start: StartBot, doing: str) -> None:
    bot = start(policy=TWO)
    those = await three(bot)
    decisions = of_all(bot, those)
    await decisions.approve(those[0].id, ANN)

    match doing:
        case "deny":
            await decisions.deny(those[0].id, BEN, "not now")
        case "cancel":
            await decisions.cancel(those[0].id, ASKER)
        case "withdraw":
            await decisions.withdraw(those[0].id, ANN)

    assert len(set(await standing(bot, those))) == 1
    with pytest.raises(Refusal):
        await (decisions.withdraw if doing == "withdraw" else decisions.approve)(those[0].id, ANN)


async def test_of_two_decisions_at_once_one_is_about_all_and_the_other_about_none(bot: Bot) -> None:
    those = await three(bot)
    ends = await asyncio.gather(
        of_all(bot, those).approve(those[0].id, ANN),
        of_all(bot, those).deny(those[2].id, BEN, "no"),
        return_exceptions=True,
    )
    assert sum(isinstance(end, Refusal) for end in ends) == 1
    assert len({status for status, _ in await standing(bot, those)}) == 1
