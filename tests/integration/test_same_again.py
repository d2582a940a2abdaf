"""Whoever asks for the very same again within ten minutes is asked first whether they mean it."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from creditbot.domain.errors import CommandError, Refusal
from creditbot.domain.place import Place
from creditbot.domain.policy import Limits, Policy
from creditbot.domain.questions import Question
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.secrecy import Secrets
from creditbot.domain.who import Who
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.store import lists
from creditbot.store.tables import questions

from .adapters import ANN, ASKER, BEN, CHANNEL, POLICY, Bot
from .conftest import StartBot
from .ledger_rows import all_events
from .test_ask_again import failed


async def asked_for(bot: Bot) -> list[CreditRequest]:
    async with bot.database.read() as connection:
        return [
            request for request in await lists.page(connection, 1000) if isinstance(request, CreditRequest)
        ]


async def a_question(
    bot: Bot,
    change: int = 250,
    subuser: str = "acme",
    *,
    reason: str = "the spring mailing",
    origin: str | None = None,
) -> Question:
    """What comes of asking for the same a second time."""
    found = await bot.try_to_ask(change, subuser, reason=reason, origin=origin)
    assert isinstance(found, Question)
    return found


async def told(bot: Bot) -> list[tuple[str, str | None]]:
    """The kinds of all events, and who caused each."""
    async with bot.database.read() as connection:
        return [(event["kind"], event["actor"]) for event in await all_events(connection)]


async def test_nothing_is_asked_for_until_they_say_so(bot: Bot) -> None:
    first = await bot.checked(5000)
    await bot.draw(first.id)
    [(_, ts)] = bot.messenger.posted
    bot.clock.advance(minutes=3)

    question = await a_question(bot, 5000, reason="once more")

    assert (question.same.id, question.card) == (first.id, Place(CHANNEL, ts))
    assert [request.id for request in await asked_for(bot)] == [first.id]
    event = (await bot.events(first.id))[-1]
    assert (event["kind"], event["actor"]) == ("same_again", ASKER)
    detail = {"subuser": "acme", "allocation_update": 5000, "reason": "once more"}
    assert json.loads(event["detail"]) == detail

    second = await bot.ask_anyway(question)

    assert (second.subuser, second.allocation_update, second.reason) == ("acme", 5000, "once more")
    assert (second.status, second.requested_by, second.relations) == (Status.PENDING, ASKER, ())
    [event] = await bot.events(second.id)
    assert json.loads(event["detail"])["same_as"] == first.id
    assert [other.id for other in second.beside] == [first.id]


@pytest.mark.parametrize(("seconds", "same"), [(599, True), (601, False)])
async def test_ten_minutes_make_the_same_another_matter(bot: Bot, seconds: int, same: bool) -> None:
    await bot.ask()
    bot.clock.advance(seconds=seconds)

    assert isinstance(await bot.try_to_ask(), Question) is same


@pytest.mark.parametrize(
    ("change", "subuser", "by"),
    [(250, "acme", BEN), (251, "acme", ASKER), (-250, "acme", ASKER), (250, "other", ASKER)],
)
async def test_what_differs_goes_through_as_typed(bot: Bot, change: int, subuser: str, by: str) -> None:
    await bot.ask(250, "acme", by=ASKER)

    assert isinstance(await bot.try_to_ask(change, subuser, by=by), CreditRequest)


async def test_another_spelling_and_another_reason_are_the_same(bot: Bot) -> None:
    await bot.ask(subuser="acme", reason="one")

    question = await a_question(bot, subuser="ACME", reason="two")

    assert question.command.change.subuser == "ACME"
    assert question.same.subuser == "acme"


@pytest.mark.parametrize("status", ["pending", "approved", "applying", "in_doubt", "applied"])
async def test_what_is_open_or_was_applied_counts(bot: Bot, sandbox: SendGridSandbox, status: str) -> None:
    if status == "pending":
        first = await bot.ask()
    elif status == "applying":
        first = await bot.applying()
    else:
        first = await bot.approved()
    if status in {"in_doubt", "applied"}:
        if status == "in_doubt":
            sandbox.faults.add("drop_before")
        await bot.apply(first.id)
    assert await bot.status(first.id) == status

    assert (await a_question(bot)).same.id == first.id


@pytest.mark.parametrize("status", ["denied", "cancelled", "expired", "refused", "failed"])
async def test_what_came_to_nothing_does_not(
    bot: Bot, start: StartBot, sandbox: SendGridSandbox, status: str
) -> None:
    if status == "failed":
        first = await failed(bot, sandbox)
    elif status == "refused":
        first = await bot.checked(-5000)
    elif status == "expired":
        hasty = start(replace(POLICY, expiry=timedelta(minutes=1)))
        first = await hasty.checked()
        hasty.clock.advance(minutes=2)
        await hasty.expire(first.id)
    else:
        first = await bot.checked()
        if status == "denied":
            await bot.decisions.deny(first.id, ANN, "no")
        else:
            await bot.decisions.cancel(first.id, ASKER)
    assert await bot.status(first.id) == status

    assert isinstance(await bot.try_to_ask(first.allocation_update), CreditRequest)


async def test_of_two_at_once_in_two_processes_one_is_asked_about(start: StartBot) -> None:
    bots = [start(), start()]

    ends = await asyncio.gather(*(bots[turn % 2].try_to_ask() for turn in range(6)))

    assert [type(end) for end in ends].count(CreditRequest) == 1
    assert [type(end) for end in ends].count(Question) == 5
    assert len(await asked_for(bots[0])) == 1


async def test_a_delivery_that_led_to_a_question_leads_to_it_again(bot: Bot) -> None:
    """Also once it would not: whoever was asked, and said nothing, has asked for nothing."""
    first = await bot.checked()
    question = await a_question(bot, origin="command:2")
    before = await told(bot)

    assert await bot.try_to_ask(origin="command:2") == question
    await bot.decisions.cancel(first.id, ASKER)
    bot.clock.advance(minutes=11)
    again = await bot.try_to_ask(origin="command:2")

    assert isinstance(again, Question)
    assert (again.token, again.same.status) == (question.token, Status.CANCELLED)
    assert await told(bot) == [*before, ("cancelled", ASKER)]
    assert len(await asked_for(bot)) == 1


async def test_a_delivery_whose_question_was_answered_finds_the_request(bot: Bot) -> None:
    await bot.ask()
    question = await a_question(bot, origin="command:2")
    second = await bot.ask_anyway(question)

    assert await bot.try_to_ask(origin="command:2") == second


async def test_however_often_the_button_is_pressed_it_makes_one_request(start: StartBot) -> None:
    bots = [start(), start()]
    await bots[0].ask()
    question = await a_question(bots[0])

    ends = await asyncio.gather(*(bots[turn % 2].ask_anyway(question) for turn in range(6)))
    ends.append(await bots[0].ask_anyway(question, delivery="click:1"))
    ends.append(await bots[0].ask_anyway(question, delivery="click:1"))

    assert {end.id for end in ends} == {2}
    assert len(await asked_for(bots[0])) == 2
    assert await bots[0].kinds(2) == ["requested"]


async def test_a_request_that_was_made_is_found_by_its_button_for_longer_than_that(bot: Bot) -> None:
    await bot.ask()
    question = await a_question(bot)
    second = await bot.ask_anyway(question)
    bot.clock.advance(minutes=45)

    assert (await bot.ask_anyway(question)).id == second.id


@pytest.mark.parametrize("late", [False, True])
async def test_the_button_counts_for_half_an_hour(bot: Bot, late: bool) -> None:
    await bot.ask()
    question = await a_question(bot)
    bot.clock.advance(minutes=30, seconds=1 if late else 0)

    if late:
        with pytest.raises(Refusal, match="more than 30 minutes old") as refusal:
            await bot.ask_anyway(question)
        assert refusal.value.rule == "no_question"
    else:
        await bot.ask_anyway(question)
    assert len(await asked_for(bot)) == (1 if late else 2)


async def test_it_is_nobody_elses_and_nothing_else_is_a_question(bot: Bot) -> None:
    await bot.ask()
    question = await a_question(bot)

    for about in (question, replace(question, token="0" * 32), replace(question, token="' OR 1=1 \x00")):
        with pytest.raises(Refusal, match="for someone else"):
            await bot.ask_anyway(about, by=BEN)
    with pytest.raises(Refusal):  # delivered twice, recorded once
        await bot.ask_anyway(question, by=BEN, delivery="click:1")
    with pytest.raises(Refusal):
        await bot.ask_anyway(question, by=BEN, delivery="click:1")

    assert len(await asked_for(bot)) == 1
    assert (await told(bot)).count(("refused_click", BEN)) == 4
    async with bot.database.read() as connection:
        detail = json.loads((await all_events(connection))[-1]["detail"])
    assert (detail["action"], detail["rule"]) == ("ask_anyway", "no_question")


STRICT = replace(POLICY, limits=Limits(per_request=100))


@pytest.mark.parametrize("policy", [STRICT, replace(POLICY, may_ask=Who.of([BEN]))])
async def test_it_is_checked_anew_when_it_is_pressed(start: StartBot, policy: Policy) -> None:
    bot, stricter = start(), start(policy)
    await bot.ask()
    question = await a_question(bot)

    with pytest.raises(Refusal):
        await stricter.ask_anyway(question)

    assert len(await asked_for(bot)) == 1
    assert (await told(bot))[-1] == ("refused_ask", ASKER)


async def test_a_subuser_that_sendgrid_does_not_have_is_refused_as_ever(bot: Bot) -> None:
    await bot.ask(subuser="gone")
    second = await bot.ask_anyway(await a_question(bot, subuser="gone"))

    await bot.check(second.id)

    assert await bot.status(second.id) is Status.REFUSED


async def test_what_the_policy_refuses_is_not_asked_about(start: StartBot) -> None:
    await start().ask()

    with pytest.raises(Refusal):
        await start(STRICT).try_to_ask()


async def test_a_form_may_say_why_once_more(start: StartBot) -> None:
    bot = start(secrets=Secrets.of(["very-secret-indeed"]))
    await bot.ask()
    question = await a_question(bot)

    with pytest.raises(CommandError):
        await bot.ask_anyway(question, reason="it is very-secret-indeed")
    second = await bot.ask_anyway(question, reason="the second batch")

    assert second.reason == "the second batch"


async def test_request_again_is_no_matter_of_this(bot: Bot, sandbox: SendGridSandbox) -> None:
    old = await failed(bot, sandbox)
    await bot.ask()

    assert await bot.ask_again(old.id) is not None


async def test_questions_are_forgotten(bot: Bot) -> None:
    for minutes in (0, 30, 61):
        bot.clock.advance(minutes=minutes)
        await bot.ask(7)
        await a_question(bot, 7)

    async with bot.database.read() as connection:
        assert len((await connection.execute(select(questions.c.token))).all()) == 2
