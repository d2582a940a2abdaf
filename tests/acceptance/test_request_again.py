"""Request again: from the card of what failed to a new request, which someone else approves."""

from creditbot.sandbox.slack import Message
from creditbot.sandbox.world import ALICE, APPROVALS, BOB, CAROL, DAN
from tests.carried import carried

from .company import Company
from .conftest import over_socket

MAY_CHANGE = "subusers.credits.remaining.update"


async def failed(company: Company) -> Message:
    """A card of a request that SendGrid has refused; it would take the next one."""
    company.sendgrid.scopes -= {MAY_CHANGE}
    card = await company.ask()
    await company.slack.click(BOB, card, "Approve")
    await company.card_says(card, "Failed: ")
    company.sendgrid.scopes |= {MAY_CHANGE}
    return card


async def test_a_failed_request_is_asked_for_again_and_approved_by_someone_else(company: Company) -> None:
    card = await failed(company)
    await company.told(ALICE, "press _Request again_ on its card")

    said = await company.click(BOB, card, "Request again")
    new = (await company.slack.until(lambda: company.cards[1:]))[0]

    assert "Request 2: +5,000 credits for `acme`" in said
    assert "Requested again after request 1 failed." in new.plain()
    assert "Reason: Black Friday" in new.plain()
    shown = await company.card_says(card, "It was requested again, as request 2.")
    assert "Request again" not in shown
    assert "Request 2 is your own" in await company.click(BOB, new, "Approve")
    await company.slack.click(CAROL, new, "Approve")
    await company.card_says(new, "Applied: ")
    assert company.sendgrid.account.applied("acme") == [5000]
    old, record = await company.requests()
    assert (old["status"], old["again_of"]) == ("failed", None)
    assert (record["status"], record["again_of"], record["requested_by"]) == ("applied", 1, BOB)
    await company.told(BOB, "*Applied*")


async def test_a_click_that_comes_twice_asks_once_and_says_so_once(company: Company) -> None:
    card = await failed(company)
    delivery = await company.slack.click(BOB, card, "Request again")
    await company.slack.until(lambda: company.slack.ephemerals(BOB, APPROVALS))
    assert (await company.slack.deliver_again(delivery)).acked
    await company.bot.stop()

    assert len(company.slack.ephemerals(BOB, APPROVALS)) == 1
    assert len(company.sql("SELECT 1 FROM requests")) == 2
    assert company.events("refused_click") + company.events("repeated_click") == []


@over_socket
async def test_the_second_of_two_people_is_told_which_request_it_is(company: Company) -> None:
    card = await failed(company)
    value = carried(card)
    await company.click(BOB, card, "Request again")
    for user in (DAN, BOB):
        delivery = await company.slack.click_raw(user, message=card, action_id="request_again", value=value)
        assert delivery.acked
    await company.slack.until(lambda: company.slack.ephemerals(DAN, APPROVALS))
    await company.slack.until(lambda: company.slack.ephemerals(BOB, APPROVALS)[1:])
    for user in (DAN, BOB):
        assert company.slack.ephemerals(user, APPROVALS)[-1].plain() == (
            "Request 1 has already been requested again, as request 2."
        )
    assert [event["actor"] for event in company.events("refused_click")] == [DAN]
    assert len(await company.requests()) == 2


@over_socket
async def test_what_has_not_failed_is_not_asked_for_again(company: Company) -> None:
    card = await company.ask()
    assert "Request again" not in card.plain()
    before = len(company.slack.ephemerals(DAN, APPROVALS))
    for value in (carried(card), "404", "x"):
        await company.slack.click_raw(DAN, message=card, action_id="request_again", value=value)
    said = await company.slack.until(
        lambda: (
            len(company.slack.ephemerals(DAN, APPROVALS)) == before + 3
            and company.slack.ephemerals(DAN, APPROVALS)[before:]
        )
    )
    assert any("Request 1 has not failed" in message.plain() for message in said or [])
    assert len(company.events("refused_click")) == 3
    assert len(await company.requests()) == 1
