"""The process: it stops cleanly, and a kill at any moment loses and repeats nothing."""

import asyncio
import json
import signal
from datetime import UTC, datetime

import pytest

from creditbot.sandbox.world import ALICE, BOB, CAROL, GENERAL
from creditbot.store import events
from creditbot.store.database import Database

from .company import Company
from .conftest import over_http, over_socket


@pytest.fixture
def settings(settings: dict[str, str]) -> dict[str, str]:
    return settings | {"SENDGRID_TIMEOUT": "2"}


async def test_sigterm_ends_it_cleanly(company: Company) -> None:
    assert await company.bot.stop(patience=10) == 0
    assert "creditbot has stopped" in company.log()
    assert "Traceback" not in company.log()
    assert "Unclosed" not in company.log()


@over_socket
async def test_sigterm_while_sendgrid_hangs_records_the_doubt(company: Company) -> None:
    await company.bot.stop()
    company.bot.env["SENDGRID_TIMEOUT"] = "60"
    await company.bot.start()
    company.sendgrid.faults.add("hang_after", seconds=60)
    card = await company.ask()
    await company.slack.click(BOB, card, "Approve")
    await company.sendgrid.until(lambda: company.patches)
    assert await company.bot.stop(patience=10) == 0
    assert [record["status"] for record in await company.requests()] == ["in_doubt"]
    assert len(company.patches) == 1


async def test_sigterm_lets_a_click_that_was_taken_be_acked(company: Company) -> None:
    card = await company.ask()
    # Who is in the group was read for the asker, and is known for a while.
    await company.bot.stop()
    await company.bot.start()
    company.slack.faults.hang("usergroups.users.list", 0.8)
    clicking = asyncio.create_task(company.slack.click(CAROL, card, "Approve"))
    await company.slack.until(lambda: company.slack.faults.hanging)  # the bot asks who is in the group
    assert await company.bot.stop(patience=10) == 0
    assert (await clicking).acked
    assert "Traceback" not in company.log()
    assert "Unclosed" not in company.log()
    # It was taken, however far it came in the time that was left.
    assert [record["decided_by"] for record in await company.requests()] == [CAROL]
    await company.bot.start()
    await company.card_says(card, "Applied: ")


@over_socket
async def test_a_pending_request_survives_a_kill(company: Company) -> None:
    card = await company.ask()
    await company.bot.kill()
    await company.bot.start()
    await company.slack.click(BOB, card, "Approve")
    await company.card_says(card, "Applied: ")
    assert company.sendgrid.account.applied("acme") == [5000]
    assert len(company.cards) == 1


@over_http
async def test_what_was_acked_right_before_a_kill_is_there_after(company: Company) -> None:
    delivery = await company.slack.command(ALICE, "/credits add acme 5 x", channel=GENERAL)
    await company.bot.kill()
    assert delivery.acked
    await company.bot.start()
    card = (await company.slack.until(lambda: company.cards))[0]
    delivery = await company.slack.click(BOB, card, "Approve")
    await company.bot.kill()
    assert delivery.acked
    await company.bot.start()
    await company.slack.until(lambda: "Waiting" not in card.plain(), 30)
    await company.slack.until(lambda: "Applied: " in card.plain() or "In doubt: " in card.plain(), 30)
    assert company.sendgrid.account.applied("acme") == [5]


@over_socket
async def test_a_kill_after_sending_leads_to_doubt_and_the_balance_proves_the_rest(company: Company) -> None:
    company.sendgrid.faults.add("hang_after", seconds=30)
    card = await company.ask()
    await company.slack.click(BOB, card, "Approve")
    await company.sendgrid.until(lambda: company.sendgrid.account.ledger)
    await company.bot.kill()
    await company.bot.start()
    shown = await company.card_says(card, "Applied: ", 40)
    assert "confirmed by the balance" in shown
    assert company.sendgrid.account.applied("acme") == [5000]
    assert len(company.patches) == 1
    [record] = await company.requests()
    assert record["status"] == "applied"
    kinds = [event["kind"] for event in company.sql("SELECT kind FROM events ORDER BY id")]
    assert kinds[-3:] == ["answer", "in_doubt", "proven"]


@over_socket
async def test_what_the_balance_does_not_prove_is_settled_by_an_approver(company: Company) -> None:
    company.sendgrid.faults.add("drop_before")
    card = await company.ask()
    await company.slack.click(BOB, card, "Approve")
    shown = await company.card_says(card, "Mail sent in between could explain", 40)
    assert "In doubt: " in shown
    assert "If applied*\nBalance right after: 6,200\nUsed since: 5,000" in shown
    assert "If not applied*\nBalance right after: 1,200\nUsed since: 0" in shown
    await company.told(ALICE, "*In doubt.*")
    await company.told(BOB, "*Your decision is needed.*")
    second = await company.ask("/credits add acme 7 More")
    await company.slack.click(BOB, second, "Approve")
    await company.card_says(second, "It waits for request 1")
    assert len(company.patches) == 1

    assert "Request 1 is your own" in await company.click(ALICE, card, "It was not applied")
    await company.slack.click(BOB, card, "Check again")
    await company.slack.until(lambda: len(company.events("not_proven")) == 2)
    await company.slack.click(BOB, card, "It was not applied")
    form = (await company.slack.until(lambda: company.slack.open_views(BOB)))[0]
    await company.slack.submit(BOB, form, {"reason": "The console shows 1,200"})
    shown = await company.card_says(card, "Failed: ")
    assert "The console shows 1,200" in shown
    await company.told(ALICE, f"settled by <@{BOB}>")
    await company.card_says(second, "Applied: ")
    assert company.sendgrid.account.applied("acme") == [7]


@over_socket
async def test_a_doubt_can_be_settled_from_the_command_line(company: Company) -> None:
    company.sendgrid.faults.add("drop_before")
    card = await company.ask()
    await company.slack.click(BOB, card, "Approve")
    await company.card_says(card, "Mail sent in between could explain", 40)
    status, _, err = await company.bot.command_line("requests", "settle", "1", "--applied", "--reason", " ")
    assert (status, "Say how you know" in err) == (1, True)
    status, out, err = await company.bot.command_line(
        "requests", "settle", "1", "--not-applied", "--reason", "Looked in the console"
    )
    assert (status, err) == (0, "")
    assert "Request 1 (+5,000 credits for acme) is settled as not applied" in out
    await company.card_says(card, "Failed: ")
    status, _, err = await company.bot.command_line("requests", "settle", "1", "--applied", "--reason", "x")
    assert (status, "Doing it again changed nothing" in err) == (1, True)


@over_socket
async def test_what_was_not_sent_can_be_cancelled_from_the_command_line(company: Company) -> None:
    card = await company.ask()
    cancel = ("requests", "cancel", "1", "--reason")
    status, _, err = await company.bot.command_line(*cancel, " ")
    assert (status, "Give a reason in a few words" in err) == (1, True)
    status, out, err = await company.bot.command_line(*cancel, "It was sent before the backup")
    assert (status, err) == (0, "")
    assert out.startswith("Request 1 (+5,000 credits for acme) is cancelled: nothing was sent. Recorded as ")
    shown = await company.card_says(card, "(command line)")
    assert "Cancelled: +5,000 credits for" in shown
    assert "It was sent before the backup" in shown
    await company.told(ALICE, "It was sent before the backup")
    status, _, err = await company.bot.command_line(*cancel, "again")
    assert (status, "nothing" in err) == (1, True), err
    status, _, err = await company.bot.command_line("requests", "cancel", "7", "--reason", "x")
    assert (status, "creditbot requests list" in err) == (1, True), err


@over_socket
async def test_a_process_that_stood_still_goes_on(company: Company) -> None:
    card = await company.ask()
    company.bot.send(signal.SIGSTOP)
    clicking = asyncio.create_task(company.slack.click(BOB, card, "Approve"))
    await asyncio.sleep(0.2)
    company.bot.send(signal.SIGCONT)
    await clicking
    await company.card_says(card, "Applied: ")
    assert company.sendgrid.account.applied("acme") == [5000]


@over_socket
async def test_not_sent_and_429_are_tried_again(company: Company) -> None:
    company.sendgrid.faults.add("rate_limit", reset=1, times=2)
    card = await company.ask()
    await company.slack.click(BOB, card, "Approve")
    await company.card_says(card, "Applied: ", 30)
    assert company.sendgrid.account.applied("acme") == [5000]
    assert [call.status for call in company.patches] == [429, 429, 200]
    outcomes = company.sql("SELECT outcome FROM attempts ORDER BY number")
    assert [row["outcome"] for row in outcomes] == ["rate_limited", "rate_limited", "applied"]


@pytest.mark.lasts
@over_socket
async def test_a_process_ends_once_another_has_taken_a_ledger_key_and_the_change_is_not_lost(
    company: Company,
) -> None:
    await company.bot.stop()
    company.bot.env["SENDGRID_TIMEOUT"] = "10"
    await company.bot.start()
    company.sendgrid.faults.add("slow", seconds=3)
    card = await company.ask()
    await company.slack.click(BOB, card, "Approve")
    await company.sendgrid.until(lambda: company.patches)
    key = "k" * 32
    database = Database(company.bot.env["DATABASE_URL"], keys=(key.encode(),))
    async with database.write() as transaction:
        await events.take_key(transaction.connection, datetime.now(UTC))
    await database.close()

    assert await company.bot.ended() == 2
    *before, last = company.log().splitlines()
    assert "must set CREDITBOT_LEDGER_KEY to the key with the fingerprint" in last
    [line] = [json.loads(line) for line in before if "This process can't record an outcome" in line]
    assert (line["request_id"], line["outcome"], line["status"]) == (1, "applied", 200)

    await company.bot.stop()
    company.bot.env["CREDITBOT_LEDGER_KEY"] = key
    await company.bot.start()
    await company.card_says(card, "Applied: ", 40)
    assert len(company.patches) == 1
    status, out, _ = await company.bot.command_line("audit", "verify")
    assert (status, "The hashes have a key from event" in out) == (0, True)


async def test_its_own_log_goes_on_after_it_has_served_somebody(company: Company) -> None:
    await company.ask()

    assert await company.bot.stop() == 0

    assert "creditbot has stopped" in company.log()
