"""The form: opened when something is missing, filled in with what was given, faults at their fields."""

import pytest

from creditbot.sandbox.world import ALICE, BOB, GENERAL

from .company import Company
from .conftest import over_socket


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("/credits request", {"direction": "add", "subuser": "", "amount": ""}),
        ("/credits add", {"direction": "add", "subuser": "", "amount": ""}),
        ("/credits add acme", {"direction": "add", "subuser": "acme", "amount": ""}),
        ("/credits remove acme 5k", {"direction": "remove", "subuser": "acme", "amount": "5k"}),
        ("/credits request acme 5 000 x", {"direction": "add", "subuser": "acme", "amount": "5 000"}),
    ],
)
@over_socket
async def test_what_is_missing_opens_the_form_with_what_was_given(
    company: Company, text: str, values: dict[str, str]
) -> None:
    form = await company.form(text)
    elements = {block["block_id"]: block["element"] for block in form.view["blocks"]}
    assert elements["direction"]["initial_option"]["value"] == values["direction"]
    for name in ("subuser", "amount"):
        assert elements[name].get("initial_value", "") == values[name]


async def test_a_form_makes_a_request(company: Company) -> None:
    form = await company.form("/credits add acme")
    delivery = await company.slack.submit(ALICE, form, {"Amount": "5k", "Reason": "Black Friday"})
    assert delivery.acked
    assert "Request 1: +5,000 credits for `acme`" in form.plain()
    await company.slack.until(lambda: "Request 1" in company.slack.ephemerals(ALICE, GENERAL)[-1].plain())
    card = (await company.slack.until(lambda: company.cards))[0]
    await company.slack.click(BOB, card, "Approve")
    await company.card_says(card, "Applied: ")
    assert company.sendgrid.account.applied("acme") == [5000]


async def test_an_amount_that_was_filled_in_is_asked_about_until_it_is_clear(company: Company) -> None:
    form = await company.form("/credits request acme 5 000 Black Friday")
    asked = "5 000 can be read as 5,000 or as 5. For 5,000, type 5000; for 5, type 5."
    hints = {block["block_id"]: block["hint"]["text"] for block in form.view["blocks"] if "hint" in block}
    assert hints["amount"] == asked
    await company.slack.submit(ALICE, form, {})
    assert form.errors == {"amount": asked}
    assert await company.requests() == []
    await company.slack.submit(ALICE, form, {"Amount": "5000"})
    assert [record["allocation_update"] for record in await company.requests()] == [5000]


async def test_faults_are_shown_at_their_fields_all_at_once(company: Company) -> None:
    form = await company.form("/credits request")
    wrong = {"Subuser": "a/b", "Amount": "--5", "Reason": "\u200b"}
    delivery = await company.slack.submit(ALICE, form, wrong)
    assert delivery.acked
    assert set(form.errors) == {"subuser", "amount", "reason"}
    assert form.open
    assert "slash" in form.errors["subuser"]
    assert "`" not in "".join(form.errors.values())
    assert await company.requests() == []
    right = {"Subuser": "acme", "Amount": "5", "Reason": "Mended"}
    await company.slack.submit(ALICE, form, right)
    assert len(await company.requests()) == 1


@over_socket
async def test_an_unknown_subuser_is_said_at_its_field(company: Company) -> None:
    form = await company.form("/credits add Acmee 5")
    await company.slack.submit(ALICE, form, {"Reason": "Black Friday"})
    assert set(form.errors) == {"subuser"}
    assert form.errors["subuser"].startswith("SendGrid has no subuser Acmee. Did you mean acme?")
    assert await company.requests() == []
    await company.slack.submit(ALICE, form, {"Subuser": "acme"})
    assert len(await company.requests()) == 1


async def test_a_form_that_is_sent_twice_makes_one_request(company: Company) -> None:
    form = await company.form("/credits add acme 5000")
    delivery = await company.slack.submit(ALICE, form, {"Reason": "Black Friday"})
    again = await company.slack.deliver_again(delivery)
    assert again.acked
    assert again.body is not None
    assert "Request 1" in str(again.body)
    assert len(await company.requests()) == 1
    await company.slack.until(lambda: company.cards)
    assert len(company.cards) == 1


@over_socket
async def test_a_form_that_slack_does_not_open_is_said_with_what_to_type(company: Company) -> None:
    company.slack.faults.fail("views.open", error="expired_trigger_id")
    answer = await company.say("/credits remove acme")
    assert "/credits remove SUBUSER AMOUNT REASON" in answer


@over_socket
async def test_a_denial_that_comes_too_late_is_said_in_the_form(company: Company) -> None:
    card = await company.ask()
    await company.slack.click(BOB, card, "Deny")
    form = (await company.slack.until(lambda: company.slack.open_views(BOB)))[0]
    await company.slack.click(ALICE, card, "Cancel")
    await company.card_says(card, "Cancelled: ")
    await company.slack.submit(BOB, form, {"reason": "No"})
    assert "Request 1 has already been cancelled by <@U0ALICE>" in form.plain()
    assert [record["status"] for record in await company.requests()] == ["cancelled"]


@over_socket
async def test_a_denial_by_someone_who_may_not_is_refused_at_the_form_too(company: Company) -> None:
    await company.ask()
    card = company.cards[0]
    await company.slack.click(BOB, card, "Deny")
    form = (await company.slack.until(lambda: company.slack.open_views(BOB)))[0]
    # The same form, as if the requester had got hold of it.
    form.user = ALICE
    delivery = await company.slack.submit(ALICE, form, {"reason": "No"})
    assert delivery.acked
    assert "is your own" in form.plain()
    assert [record["status"] for record in await company.requests()] == ["pending"]


async def test_a_form_that_is_sent_again_with_other_values_is_not_pretended_to_be_taken(
    company: Company,
) -> None:
    form = await company.form("/credits add acme 100")
    delivery = await company.slack.submit(ALICE, form, {"Reason": "First"})
    values = delivery.payload["view"]["state"]["values"]
    values["amount"]["amount"]["value"] = "900"
    again = await company.slack.deliver_again(delivery)
    assert "already been submitted, as request 1 (+100 for acme)" in str(again.body)
    assert [record["allocation_update"] for record in await company.requests()] == [100]


async def test_a_secret_of_the_bot_is_refused_at_its_field_and_written_down_nowhere(company: Company) -> None:
    secret = company.slack.signing_secret
    assert "or a password" in await company.say(f"/credits add acme 5 it is {secret}")
    form = await company.form("/credits request")
    await company.slack.submit(ALICE, form, {"Subuser": f"x-{secret}", "Amount": "5", "Reason": "Why"})
    assert set(form.errors) == {"subuser"}
    await company.slack.submit(ALICE, form, {"Subuser": "acme", "Amount": "5", "Reason": f"See {secret}"})
    assert set(form.errors) == {"reason"}
    card = await company.ask()
    await company.slack.click(BOB, card, "Deny")
    denial = (await company.slack.until(lambda: company.slack.open_views(BOB)))[0]
    await company.slack.submit(BOB, denial, {"reason": secret})
    assert "or a password" in denial.errors["reason"]
    status, out, err = await company.bot.command_line(
        "requests", "settle", "1", "--applied", "--reason", f"It says {secret}"
    )
    assert (status, out) == (1, "")
    assert "or a password" in err
    assert secret not in err
    assert company.events("refused_ask") == []
    tables = ("events", "requests", "deliveries")
    assert secret not in str([company.sql(f"SELECT * FROM {table}") for table in tables])  # noqa: S608 - ours
    assert secret not in company.log()
    assert [record["status"] for record in await company.requests()] == ["pending"]
