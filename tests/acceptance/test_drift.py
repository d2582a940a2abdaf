"""A change in SendGrid's console, and what the approvals channel hears of it."""

import time

from creditbot.sandbox.world import APPROVALS

from .company import Company
from .conftest import over_socket

PLANNED = "SELECT id FROM timers WHERE name = 'comparison'"
MAKE_DUE = "UPDATE timers SET due_at = :now WHERE id = :id"


async def let_it_be_time(company: Company) -> None:
    """The hour of the comparison is hours away: say that it is now."""
    [planned] = await company.slack.until(lambda: company.sql(PLANNED))
    company.sql(MAKE_DUE, {"now": int(time.time() * 1000), "id": planned["id"]})


@over_socket
async def test_what_someone_added_in_sendgrids_console_is_told_in_the_channel(company: Company) -> None:
    acme = company.sendgrid.account.subuser("acme")
    assert acme is not None
    await let_it_be_time(company)
    await company.slack.until(lambda: company.events("compared"))
    assert company.slack.messages(APPROVALS) == []
    company.sendgrid.account.apply(acme, 3500)

    await let_it_be_time(company)
    await company.slack.until(lambda: company.slack.messages(APPROVALS))

    said = company.slack.messages(APPROVALS)[0].plain()
    assert "`acme` has more than the ledger explains." in said
    assert "At least +3,500 credits came from elsewhere." in said
    status, out, err = await company.bot.command_line(
        "audit", "export", "--format", "csv", "--subuser", "acme"
    )
    assert status == 0, err
    assert "drift" in out
