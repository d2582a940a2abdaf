"""The bot as a process behind a PgBouncer in transaction mode."""

from collections.abc import Iterator
from functools import partial

import pytest

from creditbot.sandbox.world import BOB
from tests.pgbouncer import PgBouncer
from tests.postgres import new_server

from .company import Company
from .conftest import over_http


@pytest.fixture
def settings(settings: dict[str, str], pooler: PgBouncer) -> dict[str, str]:
    return settings | {"DATABASE_URL": pooler.url("postgres")}


@pytest.fixture
def pooler() -> Iterator[PgBouncer]:
    server = new_server(durable=False)
    try:
        pooler = PgBouncer(server, "transaction")
        yield pooler
        pooler.close()
    finally:
        server.close()


def has_cards(company: Company, number: int) -> bool:
    return len(company.cards) == number


@over_http
@pytest.mark.lasts
async def test_changes_are_asked_for_approved_and_sent(company: Company) -> None:
    for number in range(1, 7):  # beyond the five times after which a driver prepares a statement
        await company.say(f"/credits add acme {number} x")
        await company.slack.until(partial(has_cards, company, number))
        card = company.cards[-1]
        await company.card_says(card, "Waiting")
        await company.slack.click(BOB, card, "Approve")
        await company.card_says(card, "Applied")
    assert company.sendgrid.account.applied("acme") == [1, 2, 3, 4, 5, 6]
    assert [request["status"] for request in await company.requests()] == ["applied"] * 6
    assert "prepared statement" not in company.log()
    assert "trying again" not in company.log()
