"""Only what was shown is decided: a click counts for the request on its card, and on the terms on it."""

import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from creditbot.domain.errors import Refusal
from creditbot.domain.policy import Policy, Reminders
from creditbot.domain.relations import RelationKind
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.shown import Shown, read
from creditbot.domain.who import Who
from creditbot.ledger.export import export
from creditbot.operations import activate_policy, give_tokens
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.store.compare import compare
from creditbot.store.tables import events, outbox, requests

from .adapters import ANN, ASKER, BEN, CAT, CHANNEL, POLICY, Bot, Clock, database_url, patches
from .conftest import EmptyDatabase, StartBot, on_sqlite
from .tampering import as_administrator
from .test_ask_again import failed

TWO_NEEDED = Policy.one_tier([ANN, BEN, CAT], approvals=2)
MESSAGE = (CHANNEL, "7.000100")

Act = Callable[[Bot, Shown], Awaitable[Any]]

ACTS: dict[str, Act] = {
    "approve": lambda bot, card: bot.decisions.approve(card, ANN),
    "withdraw": lambda bot, card: bot.decisions.withdraw(card, ANN),
    "open the form to deny": lambda bot, card: bot.decisions.check_may_decide(card, ANN, "deny"),
    "deny": lambda bot, card: bot.decisions.deny(card, ANN, "no"),
    "cancel": lambda bot, card: bot.decisions.cancel(card, ASKER),
    "open the form for an emergency": lambda bot, card: bot.decisions.check_may_break_glass(card, ASKER),
    "approve in an emergency": lambda bot, card: bot.decisions.break_glass(card, ASKER, "nobody answers"),
    "open the form to settle": lambda bot, card: bot.settlements.check_may_settle(card, ANN),
    "settle": lambda bot, card: bot.settlements.settle(card, ANN, applied=True, reason="I looked"),
    "check again": lambda bot, card: bot.settlements.check_again(card, ANN),
    "ask again": lambda bot, card: bot.ask_again(card, by=BEN),
}


async def everything(bot: Bot) -> dict[str, list[Any]]:
    """All rows of requests and of the outbox."""
    async with bot.database.read() as connection:
        return {
            table.name: [tuple(row) for row in await connection.execute(select(table).order_by(table.c.id))]
            for table in (requests, outbox)
        }


async def last_event(bot: Bot) -> dict[str, Any]:
    async with bot.database.read() as connection:
        row = (
            (await connection.execute(select(events).order_by(events.c.id.desc()).limit(1))).mappings().one()
        )
    return {**row, "detail": json.loads(row["detail"])}


async def assert_is_none_of_its_business(bot: Bot, card: Shown, act: str = "approve") -> None:
    """It decides nothing and touches no message, is an event of no request, and tells how to go on."""
    before = await everything(bot)
    with pytest.raises(Refusal) as refused:
        await ACTS[act](bot, card)
    await bot.clicks.seen_in(card, *MESSAGE)

    assert await everything(bot) == before
    assert refused.value.rule == "unknown_card"
    assert "/credits pending" in refused.value.sentence
    event = await last_event(bot)
    assert (event["kind"], event["request_id"]) == ("refused_click", None)
    assert (event["detail"]["rule"], event["detail"]["named"]) == ("unknown_card", card.request_id)
    assert not card.token or card.token not in json.dumps(event)


@pytest.fixture
async def another(
    empty_database: EmptyDatabase, sandbox: SendGridSandbox, clock: Clock
) -> AsyncIterator[Bot]:
    """A second creditbot with a database of its own: another instance, or the same one after a new start."""
    async with AsyncExitStack() as stack:
        bot = Bot(stack.enter_context(empty_database()), sandbox, clock)
        stack.push_async_callback(bot.close)
        yield bot
        await bot.assert_sound()


@pytest.mark.parametrize("act", ACTS)
async def test_a_card_of_another_database_decides_nothing_about_the_request_that_has_its_number(
    bot: Bot, another: Bot, sandbox: SendGridSandbox, act: str
) -> None:
    small = await another.checked(5)
    large = await bot.checked(900_000, "other")
    await bot.draw(large.id)
    assert small.id == large.id

    await assert_is_none_of_its_business(bot, await another.card(small.id), act)

    await bot.decisions.approve(await bot.card(large.id), ANN)
    await bot.work("apply")
    assert [call.body for call in patches(sandbox)] == [{"allocation_update": 900_000}]


@pytest.mark.parametrize("act", ["settle", "check again", "open the form to settle"])
async def test_a_doubt_is_settled_from_its_own_card_only(
    bot: Bot, another: Bot, sandbox: SendGridSandbox, act: str
) -> None:
    other = await another.checked()
    request = await bot.approved()
    sandbox.faults.add("drop_after")
    await bot.apply(request.id)
    assert await bot.status(request.id) is Status.IN_DOUBT

    await assert_is_none_of_its_business(bot, await another.card(other.id), act)


async def test_what_failed_is_asked_for_again_from_its_own_card_only(
    bot: Bot, another: Bot, sandbox: SendGridSandbox
) -> None:
    other = await another.checked()
    old = await failed(bot, sandbox)

    await assert_is_none_of_its_business(bot, await another.card(other.id), "ask again")

    asked = await bot.ask_again(await bot.card(old.id), by=BEN)
    assert asked is not None
    assert asked.follows(RelationKind.AGAIN) == old.id


@pytest.mark.parametrize(
    "value",
    ["{id}", "404", "404.{token}{terms}", "{id}.{other}{terms}", "{id}.{token}", "launch", ""],
)
async def test_a_value_that_is_not_the_requests_own_is_none_of_its_business(bot: Bot, value: str) -> None:
    """The number alone is what older versions wrote, and what anybody can guess."""
    request = await bot.checked()
    await bot.draw(request.id)
    card = await bot.card(request.id)
    parts = {"id": request.id, "token": card.token, "terms": card.terms, "other": card.token[::-1]}

    await assert_is_none_of_its_business(bot, read(value.format(**parts)))

    assert (await bot.decisions.approve(card, ANN)).status is Status.APPROVED


@on_sqlite
async def test_after_a_backup_was_restored_a_number_that_is_given_out_again_is_another_request(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock, tmp_path: Path
) -> None:
    kept = await bot.checked()
    restored_url = database_url(tmp_path / "restored.db")
    back_up(bot.url, restored_url)
    lost = await bot.checked(5, "other")
    restored = Bot(restored_url, sandbox, clock)
    try:
        large = await restored.checked(900_000, "other")
        assert large.id == lost.id

        await assert_is_none_of_its_business(restored, await bot.card(lost.id))

        assert (await restored.decisions.approve(await bot.card(kept.id), ANN)).status is Status.APPROVED
        await restored.assert_sound()
    finally:
        await restored.close()


def back_up(url: str, to: str) -> None:
    """As `sqlite3 FILE ".backup COPY"` does it."""
    source, target = (sqlite3.connect(each.removeprefix("sqlite:///")) for each in (url, to))
    source.backup(target)
    source.close()
    target.close()


async def test_a_message_that_was_clicked_is_drawn_anew_only_if_it_shows_the_request(bot: Bot) -> None:
    request = await bot.checked()
    await bot.draw(request.id)
    card = await bot.card(request.id)

    await bot.clicks.seen_in(replace(card, token=card.token[::-1]), *MESSAGE)
    assert len(await bot.cards_of(request.id)) == 1

    await bot.clicks.seen_in(card, *MESSAGE)
    assert [row["ts"] for row in await bot.cards_of(request.id)][-1] == MESSAGE[1]


DECIDING = ["approve", "open the form to deny", "deny"]


@pytest.mark.parametrize("act", DECIDING)
async def test_a_new_policy_has_the_card_drawn_anew_before_anything_is_decided_from_it(
    start: StartBot, act: str
) -> None:
    before, after = start(), start(TWO_NEEDED)
    for bot in (before, after):
        await activate_policy(bot.database, bot.policy, bot.clock)
    request = await before.checked()
    card = await before.card(request.id)

    with pytest.raises(Refusal, match="changed after this card") as refused:
        await ACTS[act](after, card)

    assert refused.value.rule == "outdated_card"
    event = await last_event(after)
    assert (event["kind"], event["request_id"], event["detail"]["rule"]) == (
        "refused_click",
        request.id,
        "outdated_card",
    )
    unchanged = await after.request(request.id)
    assert (unchanged.status, unchanged.approvals) == (Status.PENDING, ())
    assert await after.due_cards() == [request.id]
    await ACTS[act](after, await after.card(unchanged.id))


async def test_an_emergency_is_one_on_the_terms_that_were_shown(start: StartBot) -> None:
    before = start(replace(POLICY, break_glass=Who.of([ASKER])))
    after = start(replace(TWO_NEEDED, break_glass=Who.of([ASKER])))
    request = await before.checked()
    card = await before.card(request.id)

    for act in ("open the form for an emergency", "approve in an emergency"):
        with pytest.raises(Refusal) as refused:
            await ACTS[act](after, card)
        assert refused.value.rule == "outdated_card"
    approved = await after.decisions.break_glass(await after.card(request.id), ASKER, "nobody answers")
    assert approved.status is Status.APPROVED


async def test_an_escalation_that_no_job_has_drawn_yet_is_looked_at_first(
    start: StartBot, clock: Clock
) -> None:
    reminders = Reminders(escalate_after=timedelta(hours=2), escalate_to=Who.of([CAT]))
    bot = start(replace(Policy.one_tier([ANN, BEN], approvals=2), reminders=reminders))
    request = await bot.checked()
    card = await bot.card(request.id)
    clock.advance(hours=2)

    with pytest.raises(Refusal) as refused:
        await bot.decisions.approve(card, ANN)

    assert refused.value.rule == "outdated_card"
    assert await bot.due_cards() == [request.id]
    assert (await bot.decisions.approve(await bot.card(request.id), ANN)).approved_by(ANN)


async def test_that_others_have_agreed_meanwhile_is_no_reason_to_look_again(start: StartBot) -> None:
    bot = start(TWO_NEEDED)
    request = await bot.checked()
    card = await bot.card(request.id)

    await bot.decisions.approve(card, ANN)
    assert (await bot.decisions.approve(card, BEN)).status is Status.APPROVED


async def test_what_decides_nothing_needs_no_card_of_today(start: StartBot) -> None:
    before, after = start(TWO_NEEDED), start(POLICY)
    request = await before.checked()
    card = await before.card(request.id)
    await before.decisions.approve(card, ANN)

    assert (await after.decisions.withdraw(card, ANN)).approvals == ()
    assert (await after.decisions.cancel(card, ASKER)).status is Status.CANCELLED


async def test_a_process_with_an_older_policy_than_the_card_says_that_it_must_be_restarted(
    start: StartBot,
) -> None:
    old, new = start(POLICY), start(TWO_NEEDED)
    for bot in (old, new):
        await activate_policy(bot.database, bot.policy, bot.clock)
    request = await new.checked()
    version = request.version

    with pytest.raises(Refusal, match="restart") as refused:
        await old.decisions.approve(await new.card(request.id), ANN)

    assert refused.value.rule == "other_policy"
    assert (await old.request(request.id)).version == version


async def an_older_version_asks(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> CreditRequest:
    with monkeypatch.context() as older:
        older.setattr("creditbot.store.requests.creating.new_token", lambda: None)
        request = await bot.checked()
    assert request.token == ""
    return request


async def test_what_an_older_version_left_open_gets_a_token_and_a_new_card(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await an_older_version_asks(bot, monkeypatch)
    await bot.draw(request.id)
    await assert_is_none_of_its_business(bot, read(str(request.id)))
    await assert_is_none_of_its_business(bot, await bot.card(request.id))

    await give_tokens(bot.database, bot.clock)
    assert await bot.due_cards() == [request.id]
    await bot.draw(request.id)
    given = await bot.request(request.id)
    await give_tokens(bot.database, bot.clock)

    assert await bot.request(request.id) == given
    assert (await bot.kinds(request.id)).count("token_given") == 1
    assert (await bot.decisions.approve(await bot.card(given.id), ANN)).status is Status.APPROVED


async def test_what_failed_a_while_ago_is_not_drawn_anew(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr("creditbot.store.requests.creating.new_token", lambda: None)
        long_ago = await failed(bot, sandbox)
        clock.advance(days=8)
        lately = await failed(bot, sandbox)
        ended = await bot.checked()
    await bot.decisions.deny(ended.id, ANN, "no")

    await give_tokens(bot.database, bot.clock)

    assert [(await bot.request(each.id)).token != "" for each in (long_ago, lately, ended)] == [
        False,
        True,
        False,
    ]


async def test_the_ledger_vouches_for_a_token_and_does_not_tell_it(bot: Bot) -> None:
    first, second = await bot.checked(), await bot.checked(5, "other")
    out = StringIO()
    await export(bot.url, out, csv=False, days=(None, None), subuser=None)
    assert first.token not in out.getvalue()
    assert "sha256:" in out.getvalue()

    async with as_administrator(bot.url) as connection:
        statement = update(requests).where(requests.c.id == first.id).values(token=second.token)
        await connection.execute(statement)
        [difference] = [found async for found in compare(connection)]
    assert difference.startswith(f"Request {first.id}: token is ")
