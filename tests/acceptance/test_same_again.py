"""The very same asked for again within minutes: nothing is asked for before *Ask anyway*."""

from creditbot.sandbox.world import ALICE, GENERAL

from .company import Company

ASK = "/credits add acme 5000 Black Friday"


async def test_a_command_typed_twice_is_asked_about_and_its_button_pressed_twice_asks_once(
    company: Company,
) -> None:
    card = await company.ask(ASK)
    delivery = await company.slack.command(ALICE, ASK, channel=GENERAL)
    again = await company.slack.deliver_again(delivery)
    assert delivery.body is not None
    assert (again.acked, again.body) == (True, delivery.body)
    question = company.slack.ephemerals(ALICE, GENERAL)[-1]
    assert "You have already asked for this" in question.plain()
    assert f"{card.ts.replace('.', '')}|request 1>, waiting for approval" in question.plain()
    assert len(await company.requests()) == 1

    press = await company.slack.click(ALICE, question, "Ask anyway")
    assert press.acked
    await company.slack.until(lambda: "Request 2: +5,000 credits" in question.plain())
    assert "Ask anyway" not in question.plain()
    assert (await company.slack.deliver_again(press)).acked

    assert [record["allocation_update"] for record in await company.requests()] == [5000, 5000]
    assert len(company.events("same_again")) == 1
    assert len(company.events("requested")) == 2


async def test_a_form_for_the_same_turns_into_the_question(company: Company) -> None:
    await company.ask(ASK)
    form = await company.form("/credits add acme 5k")
    delivery = await company.slack.submit(ALICE, form, {"Reason": "Black Friday"})
    again = await company.slack.deliver_again(delivery)
    assert again.body == delivery.body
    assert "You have already asked for this" in form.plain()
    assert len(await company.requests()) == 1

    await company.slack.submit(ALICE, form, {"Reason": "\u200b"})
    assert set(form.errors) == {"reason"}
    sent = await company.slack.submit(ALICE, form, {"Reason": "The second batch"})
    assert (await company.slack.deliver_again(sent)).acked
    assert "Request 2: +5,000 credits for `acme`" in form.plain()
    await company.slack.until(lambda: "Request 2" in company.slack.ephemerals(ALICE, GENERAL)[-1].plain())
    assert [record["reason"] for record in await company.requests()] == ["Black Friday", "The second batch"]
