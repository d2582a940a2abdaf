"""Slack delivers at least once; work is done at most once. And Slack fails; the state does not."""

import asyncio
import re
import sqlite3
from contextlib import closing

import pytest
from aiohttp import WSMsgType

from creditbot.sandbox.slack import Delivery, Message
from creditbot.sandbox.world import ALICE, APPROVALS, BOB, CAROL, DAN, GENERAL

from .company import Company
from .conftest import over_socket

COPY_ABOVE = "There may be an earlier copy of this card above"


async def test_a_command_that_comes_twice_is_one_request(company: Company) -> None:
    delivery = await company.slack.command(ALICE, "/credits add acme 5 x", channel=GENERAL)
    again = await company.slack.deliver_again(delivery)
    assert again.acked
    assert len(await company.requests()) == 1
    await company.slack.until(lambda: company.cards)
    assert len(company.cards) == 1


async def test_a_click_that_comes_twice_is_one_patch(company: Company) -> None:
    card = await company.ask()
    delivery = await company.slack.click(BOB, card, "Approve")
    await company.slack.deliver_again(delivery)
    await company.card_says(card, "Applied: ")
    assert company.sendgrid.account.applied("acme") == [5000]


async def once_more(company: Company, delivery: Delivery) -> Delivery:
    """Slack delivers the same again; return once the bot has done all that it does about it."""
    again = await company.slack.deliver_again(delivery)
    assert again.acked, again
    await company.bot.stop()  # which waits for whatever it still has to say
    await company.bot.start()
    return again


async def test_a_look_up_that_comes_twice_is_answered_once(company: Company) -> None:
    await company.ask()
    before = len(company.slack.ephemerals(ALICE, GENERAL))
    look_ups = ("", "balance acme", "pending", "history", "show 1")
    deliveries = [
        await company.slack.command(ALICE, f"/credits {text}", channel=GENERAL) for text in look_ups
    ]
    answers = before + len(look_ups)
    await company.slack.until(lambda: len(company.slack.ephemerals(ALICE, GENERAL)) == answers)

    for delivery in deliveries:
        again = await company.slack.deliver_again(delivery)
        assert (again.acked, again.body) == (True, None), again
    await company.bot.stop()  # which waits for whatever it still has to say

    assert len(company.slack.ephemerals(ALICE, GENERAL)) == answers


async def test_a_command_that_comes_twice_opens_one_form(company: Company) -> None:
    delivery = await company.slack.command(ALICE, "/credits add acme", channel=GENERAL)
    await company.slack.until(lambda: company.slack.open_views(ALICE))
    await once_more(company, delivery)
    assert len(company.slack.open_views(ALICE)) == 1
    assert company.slack.ephemerals(ALICE) == []


async def test_a_command_that_asks_or_cancels_is_acked_twice_in_the_same_words(company: Company) -> None:
    for text in ("/credits add acme 5 x", "/credits cancel 1", "/credits cancel 404"):
        delivery = await company.slack.command(ALICE, text, channel=GENERAL)
        again = await company.slack.deliver_again(delivery)
        assert delivery.body is not None
        assert (again.acked, again.body) == (True, delivery.body)
    assert [record["status"] for record in await company.requests()] == ["cancelled"]
    about_it = "SELECT kind FROM events WHERE kind NOT IN ('policy', 'checked') ORDER BY id"
    kinds = [event["kind"] for event in company.sql(about_it)]
    assert kinds == ["requested", "cancelled", "refused_click"]


async def test_a_form_that_comes_twice_is_answered_once(company: Company) -> None:
    form = await company.form("/credits add acme 5000")
    delivery = await company.slack.submit(ALICE, form, {"Reason": "Black Friday"})
    await company.slack.until(lambda: company.slack.ephemerals(ALICE, GENERAL))
    again = await once_more(company, delivery)
    assert "Request 1" in str(again.body)
    assert len(company.slack.ephemerals(ALICE, GENERAL)) == 1
    assert len(company.events("requested")) == 1


async def test_an_approval_that_comes_twice_is_one_event_and_no_sentence(company: Company) -> None:
    card = await company.ask()
    delivery = await company.slack.click(BOB, card, "Approve")
    await company.card_says(card, "Applied: ")
    await once_more(company, delivery)
    assert len(company.events("approved")) == 1
    assert company.events("repeated_click") == []
    assert company.slack.ephemerals(BOB) == []


async def test_a_click_that_comes_twice_opens_one_form_which_denies_once(company: Company) -> None:
    card = await company.ask()
    click = await company.slack.click(BOB, card, "Deny")
    form = (await company.slack.until(lambda: company.slack.open_views(BOB)))[0]
    await once_more(company, click)
    assert len(company.slack.open_views(BOB)) == 1
    assert company.slack.ephemerals(BOB) == []

    submission = await company.slack.submit(BOB, form, {"reason": "Too much"})
    await company.told(ALICE, "Too much")
    again = await once_more(company, submission)

    assert not again.body  # it closes, as at first
    assert len(company.events("denied")) == 1
    assert company.events("repeated_click") == []
    assert len(company.slack.dm(ALICE)) == 1


async def test_a_cancel_that_comes_twice_is_one_event_and_no_sentence(company: Company) -> None:
    card = await company.ask()
    delivery = await company.slack.click(ALICE, card, "Cancel")
    before = len(company.slack.ephemerals(ALICE))
    await once_more(company, delivery)
    assert len(company.events("cancelled")) == 1
    assert company.events("repeated_click") == []
    assert len(company.slack.ephemerals(ALICE)) == before


@pytest.mark.parametrize(("action", "value"), [("approve", "1"), ("approve", "404"), ("launch_rocket", "1")])
async def test_a_refused_click_that_comes_twice_is_one_event_and_one_sentence(
    company: Company, action: str, value: str
) -> None:
    card = await company.ask()
    delivery = await company.slack.click_raw(DAN, message=card, action_id=action, value=value)
    await company.slack.until(lambda: company.slack.ephemerals(DAN, APPROVALS))
    again = await company.slack.deliver_again(delivery)
    await company.bot.stop()
    assert again.acked is delivery.acked
    assert len(company.events("refused_click")) == 1
    assert len(company.slack.ephemerals(DAN, APPROVALS)) == 1


@over_socket
async def test_a_refused_click_that_comes_again_after_a_kill_is_known(company: Company) -> None:
    card = await company.ask()
    delivery = await company.slack.click(DAN, card, "Approve")
    await company.bot.kill()
    await company.bot.start()
    await company.slack.deliver_again(delivery)
    await company.bot.stop()
    assert len(company.events("refused_click")) == 1
    assert len(company.slack.ephemerals(DAN, APPROVALS)) <= 1  # the kill may have come before the sentence


class TestADoubt:
    @pytest.fixture
    def settings(self, settings: dict[str, str]) -> dict[str, str]:
        return settings | {"SENDGRID_TIMEOUT": "2"}

    async def test_is_checked_and_settled_once_by_what_comes_twice(self, company: Company) -> None:
        company.sendgrid.faults.add("drop_before")
        card = await company.ask()
        await company.slack.click(BOB, card, "Approve")
        await company.card_says(card, "Mail sent in between could explain", 40)
        check = await company.slack.click(BOB, card, "Check again")
        await company.slack.until(lambda: len(company.events("not_proven")) == 2)
        await once_more(company, check)
        assert len(company.events("check_again")) == 1
        assert company.sql("SELECT 1 FROM requests WHERE next_try_at IS NOT NULL") == []

        click = await company.slack.click(BOB, card, "It was not applied")
        form = (await company.slack.until(lambda: company.slack.open_views(BOB)))[0]
        await once_more(company, click)
        assert len(company.slack.open_views(BOB)) == 1
        submission = await company.slack.submit(BOB, form, {"reason": "The console shows 1,200"})
        again = await once_more(company, submission)
        assert not again.body
        await company.card_says(card, "Failed: ")
        assert len(company.events("settled")) == 1
        assert company.events("repeated_click") == []
        assert company.slack.ephemerals(BOB) == []


async def test_many_clicks_of_two_approvers_at_once_are_one_patch(company: Company) -> None:
    card = await company.ask()
    clicks = [company.slack.click(user, card, "Approve") for user in (BOB, CAROL) * 10]
    await asyncio.gather(*clicks)
    await company.card_says(card, "Applied: ")
    assert company.sendgrid.account.applied("acme") == [5000]
    assert len(company.events("approved")) == 1


@over_socket
async def test_approve_against_cancel_has_one_winner_and_the_loser_is_told(company: Company) -> None:
    for number in range(1, 6):
        card = await company.ask(f"/credits add acme {number} x")
        await asyncio.gather(
            company.slack.click(BOB, card, "Approve"), company.slack.click(ALICE, card, "Cancel")
        )
        await ended(company, card)
    records = await company.requests()
    applied = [record["allocation_update"] for record in records if record["status"] == "applied"]
    assert company.sendgrid.account.applied("acme") == applied
    assert {record["status"] for record in records} <= {"applied", "cancelled"}
    # Approving and then cancelling before it is sent is no contradiction; each other pair has a loser.
    assert len(company.events("refused_click")) + len(company.events("approved")) >= 5


async def ended(company: Company, card: Message) -> None:
    await company.slack.until(lambda: re.search("Applied: |Cancelled: ", card.plain()))


@over_socket
async def test_a_slack_that_is_down_shows_everything_once_it_is_back(company: Company) -> None:
    card = await company.ask()
    company.slack.faults.down = True
    await company.slack.click(BOB, card, "Approve")
    await company.sendgrid.until(lambda: company.sendgrid.account.ledger)
    assert "Waiting for approval" in card.plain()
    company.slack.faults.down = False
    await company.card_says(card, "Applied: ", 60)
    await company.told(ALICE, "*Applied*", 60)
    assert len(company.slack.dm(ALICE)) == 1  # that it was approved is told with its end


@over_socket
async def test_a_channel_that_the_bot_is_not_in_is_said_to_requester_and_operator(company: Company) -> None:
    # What is told by direct message is posted, too: the first post is the card's.
    company.slack.faults.fail("chat.postMessage", error="not_in_channel")
    await company.say("/credits add acme 5 x")
    await company.told(ALICE, "No approver has seen this yet")
    assert "/invite" in company.log()
    card = (await company.slack.until(lambda: company.cards))[0]  # once it has been invited
    assert "Waiting for approval" in card.plain()


@over_socket
async def test_a_rate_limit_of_slack_is_waited_for(company: Company) -> None:
    company.slack.faults.http("chat.postMessage", status=429, headers={"Retry-After": "1"}, times=2)
    await company.ask()


@over_socket
async def test_a_deleted_card_is_posted_anew(company: Company) -> None:
    card = await company.ask()
    company.slack.workspace.delete(card)
    assert "cancelled" in await company.say("/credits cancel 1")
    found = await company.slack.until(lambda: company.cards)
    await company.card_says(found[-1], "Cancelled: ")


@over_socket
async def test_a_card_that_a_crash_kept_from_the_record_follows_once_it_is_clicked(company: Company) -> None:
    orphan = await company.ask()
    company.sql("UPDATE outbox SET ts = NULL, shown_version = 0 WHERE kind = 'card'")
    found = await company.slack.until(lambda: company.cards[1:])
    await company.slack.click(BOB, orphan, "Approve")
    await company.card_says(orphan, "Applied: ")
    await company.card_says(found[0], "Applied: ")
    assert len(company.cards) == 2


async def test_a_card_to_which_slack_gave_no_answer_is_posted_again_and_says_so(company: Company) -> None:
    company.slack.faults.after("chat.postMessage")
    await company.say("/credits add acme 5000 Black Friday")
    await company.slack.until(lambda: company.cards[1:])
    orphan, card = company.cards
    await company.slack.until(lambda: company.recorded(card))
    assert COPY_ABOVE in card.plain()
    assert COPY_ABOVE not in orphan.plain()

    await company.slack.click(BOB, card, "Approve")
    shown = await company.card_says(card, "Applied: ")
    assert COPY_ABOVE in shown  # the one above still looks alive
    assert "Waiting for approval* until <!date^" in orphan.plain()  # but not for ever
    said = await company.click(CAROL, orphan, "Approve")
    assert "has already been approved" in said
    await company.card_says(orphan, "Applied: ")
    assert len(company.cards) == 2
    assert company.sendgrid.account.applied("acme") == [5000]


@over_socket
async def test_a_kill_while_a_card_is_posted_leaves_a_copy_that_the_next_one_names(company: Company) -> None:
    company.slack.faults.hang("chat.postMessage", 60)
    await company.say("/credits add acme 5 x")
    await company.slack.until(lambda: company.slack.faults.hanging)  # Slack has it, and has not answered
    await company.bot.kill()
    company.slack.faults.clear()  # so that Slack carries the post out after all
    await company.bot.start()
    card = (await company.slack.until(lambda: company.cards[1:], 40))[0]
    assert COPY_ABOVE in card.plain()


@over_socket
@pytest.mark.parametrize("error", ["account_inactive", "invalid_blocks"])
async def test_a_card_that_slack_refused_comes_soon_and_has_no_copy(company: Company, error: str) -> None:
    company.slack.faults.fail("chat.postMessage", error=error)
    card = await company.ask()
    assert COPY_ABOVE not in card.plain()


@over_socket
async def test_a_socket_that_slack_renews_loses_nothing(company: Company) -> None:
    for number in range(1, 4):
        await company.slack.refresh_sockets()
        await renewed(company, number + 1)
        assert "Credits of the parent" in await company.say("/credits")


async def renewed(company: Company, times: int) -> None:
    """Wait until the bot has asked for an address to connect to this often, and is connected."""
    await company.slack.until(
        lambda: [call.method for call in company.slack.calls].count("apps.connections.open") >= times
    )
    await company.slack.wait_for_socket()


@over_socket
async def test_a_connection_that_dies_before_the_ack_is_said_in_a_line(company: Company) -> None:
    card = await company.ask()
    # Who is in the group was read for the asker, and is known for a while.
    await company.bot.stop()
    await company.bot.start()
    company.slack.faults.hang("usergroups.users.list", 60)
    clicking = asyncio.create_task(company.slack.click(CAROL, card, "Approve"))
    await company.slack.until(lambda: company.slack.faults.hanging)  # the bot asks who is in the group
    company.slack.faults.fail("apps.connections.open", error="internal_error", times=10_000)
    [connection] = company.slack._hub.connections
    await connection.send_frame(b"\xff", WSMsgType.TEXT)  # no text, so the bot ends the connection
    await company.slack.until(lambda: connection not in company.slack._hub.connections)
    company.slack.faults.clear()  # it learns who is in the group, and has nowhere to send the ack
    company.slack.faults.fail("apps.connections.open", error="internal_error", times=10_000)

    await company.slack.until(lambda: "An ack could not be sent" in company.log())
    assert not (await clicking).acked
    company.slack.faults.clear()
    await ended(company, card)
    assert "Traceback" not in company.log()
    assert company.sendgrid.account.applied("acme") == [5000]


@over_socket
async def test_a_click_that_was_not_taken_is_answered_when_it_comes_again(company: Company) -> None:
    card = await company.ask()
    path = company.bot.env["DATABASE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        before = len(company.slack.ephemerals(ALICE, APPROVALS))
        delivery = await company.slack.click(ALICE, card, "Approve")
        [not_taken] = await company.slack.until(lambda: company.slack.ephemerals(ALICE, APPROVALS)[before:])
        holder.execute("ROLLBACK")
    assert "Not accepted" in not_taken.plain()

    for _ in range(2):
        await once_more(company, delivery)

    [_, refused] = company.slack.ephemerals(ALICE, APPROVALS)[before:]
    assert "Request 1 is your own" in refused.plain()
