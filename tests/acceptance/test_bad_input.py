"""Whatever is typed: a sentence that says what to type instead, and nothing changed."""

import re
import sqlite3

from creditbot.sandbox.sendgrid import Subuser
from creditbot.sandbox.world import ALICE, BOB, GENERAL

from .company import Company
from .conftest import over_socket

WRONG = [
    "/credits frobnicate",
    "/credits add acme 0 reason",
    "/credits add acme 1.5 reason",
    f"/credits add acme {10**30} reason",
    "/credits add acme ５ reason",
    "/credits add acme --5 reason",
    "/credits add acme -5 reason",
    "/credits add acme five reason",
    "/credits add acme 0x10 reason",
    "/credits add acme 5 000 Black Friday",
    "/credits add acme 5\u202f000 Black Friday",
    "/credits add acme 5.000 Ostern",
    "/credits add acme 5 k Black Friday",
    "/credits add acme 5000 Black Friday\n/credits add globex 3000 Black Friday",
    "/credits add acme 1e3 reason",
    "/credits add 5000 acme reason",
    "/credits add ../x 5 reason",
    "/credits add a/b 5 reason",
    "/credits add .. 5 reason",
    "/credits add ac\u0007me 5 reason",
    "/credits add ac\u200bme 5 reason",
    f"/credits add {'x' * 500} 5 reason",
    "/credits add @dan 5 reason",
    "/credits add account-id:12345 5 reason",
    "/credits add acme 5 \u200b",
    f"/credits add acme 5 {'x' * 501}",
    "/credits remove acme +5 reason",
    "/credits balance a/b",
    "/credits balance acme globex",
    "/credits balance account-id:",
    "/credits balance account-id:1/2",
    "/credits history a b",
    "/credits show",
    "/credits show one",
    "/credits show 1 2",
    "/credits show 999",
    "/credits show 3000000000",
    "/credits show 99999999999999999999999999",
    "/credits cancel",
    "/credits cancel -1",
    "/credits cancel 999",
    "/credits cancel 3000000000",
    "/credits pending now",
    "/credits help me",
    "/credits <script>alert(1)</script>",
]


async def test_every_wrong_command_is_answered_with_what_to_type(company: Company) -> None:
    for text in WRONG:
        answer = await company.say(text)
        assert "`" in answer, (text, answer)
        assert "Traceback" not in answer
        assert "unexpected" not in answer, (text, answer)
    assert await company.requests() == []
    assert company.sendgrid.calls == []
    assert company.cards == []
    assert "Traceback" not in company.log()
    assert '"level": "error"' not in company.log()


@over_socket
async def test_an_unexpected_error_is_logged_with_the_id_that_the_person_is_shown(company: Company) -> None:
    company.sql("ALTER TABLE requests RENAME TO hidden")
    answer = await company.say("/credits pending")
    company.sql("ALTER TABLE hidden RENAME TO requests")
    error_id = re.search(r"ID `([0-9a-f]{8})`", answer)
    assert error_id, answer
    assert error_id[1] in company.log()
    assert "no such table" not in answer
    assert "There are no open requests" in await company.say("/credits pending")


@over_socket
async def test_a_database_that_does_not_answer_is_said_at_once(company: Company) -> None:
    path = company.bot.env["DATABASE_URL"].removeprefix("sqlite:///")
    holder = sqlite3.connect(path, isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        delivery = await company.slack.command(ALICE, "/credits add acme 5 reason", channel=GENERAL)
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert delivery.acked
    assert "Not accepted" in company.slack.ephemerals(ALICE, GENERAL)[-1].plain()
    assert await company.requests() == []
    assert "Request 1" in await company.say("/credits add acme 5 reason")


@over_socket
async def test_unusual_names_reach_sendgrid_as_they_are(company: Company) -> None:
    for name in ("john@example.com", "acme.com", "50%off", "a?b#c", "naïve", "a+b&c"):
        await check_reaches_sendgrid(company, name)


async def check_reaches_sendgrid(company: Company, name: str) -> None:
    company.sendgrid.account.add_subuser(Subuser(name, "nonrecurring", remain=7))
    card = await company.ask(f"/credits add {name} 5 reason")
    assert f"credits for {name}" in card.plain()
    await company.slack.click(BOB, card, "Approve")
    await company.card_says(card, "Applied: ")
    assert company.sendgrid.account.applied(name) == [5]
    assert "12" in await company.say(f"/credits balance {name}")
