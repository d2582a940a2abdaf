"""Ask in Slack, approve by a button, one PATCH, recorded, told: over Socket Mode and over HTTP."""

from creditbot.sandbox.world import ALICE, APPROVALS, BOB, CAROL, DAN, GENERAL

from .company import Company


async def test_a_request_goes_all_the_way(company: Company) -> None:
    answer = await company.say("/credits add acme 5000 Black Friday")
    assert "Request 1: +5,000 credits for `acme`" in answer
    card = (await company.slack.until(lambda: company.cards))[0]
    shown = card.plain()
    for part in (
        "<@U0ALICE>",
        "+5,000",
        "acme",
        "Black Friday",
        "1,200",
        "6,200",
        "1 approval",
        "Approve",
        "Deny",
    ):
        assert part in shown
    assert {BOB, "S0FINANCE"} <= card.mentions()
    assert ALICE not in card.text.split("Needs")[1]

    await company.slack.click(BOB, card, "Approve")
    shown = await company.card_says(card, "Applied: +5,000 credits for* `acme`")

    assert [call.body for call in company.patches] == [{"allocation_update": 5000}]
    assert company.patches[0].path == "/v3/subusers/acme/credits/remaining"
    assert company.sendgrid.account.applied("acme") == [5000]
    assert f"requested by <@{ALICE}> · approved by <@{BOB}> · balance after: 6,200 on <!date" in shown
    await company.slack.click(DAN, card, "Show")
    [told] = await company.slack.until(lambda: company.slack.ephemerals(DAN, APPROVALS))
    assert "Reason: Black Friday" in told.plain()
    assert "SendGrid answered 200" in told.plain()
    assert "\nApprove\n" not in shown
    await company.told(ALICE, "*Approved* by")
    await company.told(ALICE, "*Applied*")
    assert len(company.slack.dm(ALICE)) == 1
    [record] = await company.requests()
    assert record["status"] == "applied"
    assert record["subuser"] == "acme"
    assert record["allocation_update"] == 5000
    assert record["requested_by"] == ALICE
    assert record["decided_by"] == BOB
    assert len(company.cards) == 1


async def test_the_channel_where_it_was_typed_sees_nothing(company: Company) -> None:
    card = await company.ask()
    await company.slack.click(BOB, card, "Approve")
    await company.card_says(card, "Applied: ")
    assert company.slack.messages(GENERAL) == []


async def test_a_removal_goes_all_the_way(company: Company) -> None:
    card = await company.ask("/credits remove acme 200 Contract ended")
    assert "−200" in card.plain()
    assert "1,000" in card.plain()
    await company.slack.click(CAROL, card, "Approve")
    await company.card_says(card, "Applied: −200 credits for* `acme`")
    assert [call.body for call in company.patches] == [{"allocation_update": -200}]


async def test_a_reason_may_have_the_word_payload_and_any_sign(company: Company) -> None:
    reason = "payload campaign: payload=1 & <b>50%</b> + ünïcödé"
    card = await company.ask(f"/credits add acme 10 {reason}")
    assert f"Reason: {reason}" in card.plain()


async def test_what_people_type_mentions_nobody(company: Company) -> None:
    card = await company.ask("/credits add acme 10 for @here @channel and @dan *now* <!everyone>")
    assert card.mentions() == {ALICE, BOB, "S0FINANCE"}
    assert "@here" not in card.text


async def test_a_denial_tells_why(company: Company) -> None:
    card = await company.ask()
    await company.slack.click(BOB, card, "Deny")
    form = (await company.slack.until(lambda: company.slack.open_views(BOB)))[0]
    delivery = await company.slack.submit(BOB, form, {"reason": "Too much for one day"})
    assert delivery.acked
    assert not form.open
    shown = await company.card_says(card, "Denied: ")
    assert "Too much for one day" in shown
    await company.told(ALICE, "Too much for one day")
    assert company.patches == []
    [record] = await company.requests()
    assert (record["status"], record["decided_by"], record["decision_reason"]) == (
        "denied",
        BOB,
        "Too much for one day",
    )


async def test_its_requester_may_cancel_by_button_or_by_command(company: Company) -> None:
    card = await company.ask()
    await company.slack.click(ALICE, card, "Cancel")
    await company.card_says(card, "Cancelled: ")
    second = await company.ask()
    assert "Request 2 is cancelled: +5,000 credits for `acme`." in await company.say("/credits cancel 2")
    await company.card_says(second, "Cancelled: ")
    assert [record["status"] for record in await company.requests()] == ["cancelled", "cancelled"]
    assert company.patches == []


async def test_a_request_that_nobody_decides_expires(company: Company) -> None:
    card = await company.ask()
    company.sql("UPDATE requests SET expires_at = requested_at - 1")
    await company.card_says(card, "Expired: ")
    await company.told(ALICE, "*Expired*")
    assert len(company.events("expired")) == 1


async def test_a_card_that_was_not_confirmed_sends_nothing(company: Company) -> None:
    card = await company.ask()
    delivery = await company.slack.click(BOB, card, "Approve", confirm=False)
    assert not delivery.sent
    assert card.channel == APPROVALS
    assert [record["status"] for record in await company.requests()] == ["pending"]
