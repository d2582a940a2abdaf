"""Modals and confirm dialogs."""

import pytest
from playwright.async_api import expect

from creditbot.sandbox.world import APPROVALS, CAROL

from .seat import Seat
from .stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_faults_of_a_form_are_shown_at_their_fields(stage: Stage, seat: Seat, subuser: str) -> None:
    await seat.type("/credits request")
    send = seat.modal.get_by_role("button", name="Ask for approval")
    await send.click()
    amount = seat.modal.get_by_label("Amount")
    # The client itself wants what is required; what the bot finds comes with its answer.
    await expect(amount).to_have_accessible_description(
        "Please complete this required field. A whole number of credits: 5000, 5,000, 5k or 1.5m"
    )
    await seat.modal.get_by_label("Subuser").fill(subuser)
    await amount.fill("lots")
    await seat.modal.get_by_label("Reason").fill("Black Friday")
    await send.click()
    await expect(seat.modal.locator("[data-block=amount] .error")).to_contain_text("lots is not an amount")
    await expect(amount).to_be_focused()
    await expect(seat.modal.get_by_label("Reason")).to_have_value("Black Friday")
    await amount.fill("2,5k")
    await amount.fill("2.5k")
    await send.click()
    await expect(seat.modal).to_contain_text("+2,500 credits")
    await seat.modal.get_by_role("button", name="Close").click()
    await expect(seat.modal).to_be_hidden()


async def test_escape_closes_a_form_for_the_bot_too(stage: Stage, seat: Seat) -> None:
    await seat.act_as("Dan")
    await seat.type("/credits request")
    await expect(seat.modal).to_be_visible()
    await seat.page.keyboard.press("Escape")
    await expect(seat.modal).to_be_hidden()
    assert stage.slack.open_views("U0DAN") == []


async def test_not_yet_sends_nothing(stage: Stage, seat: Seat, subuser: str) -> None:
    await seat.ask(subuser)
    await seat.act_as("Bob")
    await seat.go_to("credit-approvals")
    await seat.card(subuser).get_by_role("button", name="Approve").click()
    await expect(seat.confirmation).to_contain_text(f"+5,000 credits for {subuser} will be sent")
    await seat.confirmation.get_by_role("button", name="Not yet").click()
    await seat.card(subuser).get_by_role("button", name="Deny").click()
    await seat.modal.get_by_label("Why do you deny it?").fill("Not this week")
    await seat.modal.get_by_role("button", name="Deny").click()
    await expect(seat.card(subuser)).to_contain_text("Denied because: Not this week")
    assert stage.sendgrid.account.applied(subuser) == []


async def test_a_confirmation_that_comes_late_is_answered(stage: Stage, seat: Seat, subuser: str) -> None:
    await seat.ask(subuser)
    await seat.act_as("Bob")
    await seat.go_to("credit-approvals")
    card = seat.card(subuser)
    await card.get_by_role("button", name="Approve").click()
    message = next(m for m in reversed(stage.slack.messages(APPROVALS)) if subuser in m.text)
    await stage.slack.click(CAROL, message, "Approve")
    await expect(card).to_contain_text("balance after: 6,200")
    await seat.confirmation.get_by_role("button", name="Approve").click()
    await expect(seat.message("Only visible to you")).to_contain_text("already")
    assert stage.sendgrid.account.applied(subuser) == [5000]


async def test_one_who_may_not_approve_is_told_so(stage: Stage, seat: Seat, subuser: str) -> None:
    await seat.ask(subuser)
    await seat.approve(subuser, as_="Dan")
    await expect(seat.message("Only visible to you")).to_contain_text("approve")
    await expect(seat.card(subuser)).to_contain_text("Waiting for approval")
    assert stage.sendgrid.account.applied(subuser) == []


async def test_the_same_again_is_asked_about_and_its_answer_takes_the_place_of_the_question(
    stage: Stage, seat: Seat, subuser: str
) -> None:
    await seat.ask(subuser)
    await seat.type(f"/credits add {subuser} 5k Black Friday")
    question = seat.message("You have already asked for this")
    await expect(question).to_contain_text("Only visible to you")
    await question.get_by_role("button", name=f"Ask anyway for +5,000 credits for {subuser}").click()
    await expect(seat.message(f"recently applied for {subuser}")).to_contain_text("waiting for approval")
    await expect(question).to_have_count(0)

    await seat.type(f"/credits request {subuser} 5000 Black Friday")
    await seat.modal.get_by_role("button", name="Ask for approval").click()
    await expect(seat.modal).to_contain_text("You have already asked for this")
    await expect(seat.modal.get_by_label("Reason")).to_have_value("Black Friday")
    await seat.modal.get_by_role("button", name="Ask anyway").click()
    await expect(seat.modal).to_contain_text("+5,000 credits")
