"""Web and worker processes on PostgreSQL: any of them may die, and so may the database."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser
from creditbot.sandbox.slack import Message, SlackSandbox
from creditbot.sandbox.world import ALICE, APPROVALS, BOB, GENERAL
from tests.approvals import cards
from tests.fleet import Fleet, postgres_fleet
from tests.postgres import PostgresServer
from tests.processes import Bot


@pytest.fixture
def settings(settings: dict[str, str]) -> dict[str, str]:
    return settings | {"SENDGRID_TIMEOUT": "2"}


@pytest.fixture
async def fleet(slack: SlackSandbox, settings: dict[str, str], tmp_path: Path) -> AsyncIterator[Fleet]:
    async with postgres_fleet(settings, tmp_path, slack) as fleet:
        yield fleet


@pytest.fixture
def server(fleet: Fleet) -> PostgresServer:
    assert fleet.server is not None
    return fleet.server


async def ask(slack: SlackSandbox, amount: int = 5000) -> Message:
    before = len(cards(slack))
    await slack.command(ALICE, f"/credits add acme {amount} Black Friday", channel=GENERAL)
    return (await slack.until(lambda: cards(slack)[before:], 30))[0]


async def shows(slack: SlackSandbox, card: Message, text: str, patience: float = 60) -> None:
    await slack.until(lambda: text in card.plain(), patience)


async def refused(slack: SlackSandbox, card: Message) -> str:
    """Click Approve, which must be acked in Slack's time; return the private sentence."""
    before = len(slack.ephemerals(BOB))
    delivery = await slack.click(BOB, card, "Approve")
    assert delivery.acked, delivery
    return (await slack.until(lambda: slack.ephemerals(BOB)[before:]))[0].plain()


@pytest.mark.lasts
async def test_a_worker_that_dies_while_sending_leaves_a_doubt_that_the_other_settles(
    slack: SlackSandbox, sendgrid: SendGridSandbox, fleet: Fleet
) -> None:
    card = await ask(slack)
    sendgrid.faults.add("hang_after", seconds=60)
    await slack.click(BOB, card, "Approve")
    await sendgrid.until(lambda: sendgrid.account.ledger)
    for bot in fleet.bots[2:]:
        await bot.kill()
    await fleet.bots[3].start()

    await shows(slack, card, "Applied: ")
    before = len(slack.ephemerals(BOB))
    await slack.click(BOB, card, "Show")
    shown = (await slack.until(lambda: slack.ephemerals(BOB)[before:]))[0].plain()
    assert "A balance rises only if credits are added" in shown
    assert sendgrid.account.applied("acme") == [5000]
    [record] = json.loads((await fleet.bots[0].command_line("requests", "list", "--format", "json"))[1])
    assert record["status"] == "applied"
    status, out, _ = await fleet.bots[0].command_line("audit", "verify")
    assert (status, "The ledger is intact" in out) == (0, True)


async def test_what_was_decided_without_a_worker_is_done_when_one_comes(
    slack: SlackSandbox, sendgrid: SendGridSandbox, fleet: Fleet
) -> None:
    card = await ask(slack)
    for bot in fleet.bots[2:]:
        assert await bot.stop() == 0
    delivery = await slack.click(BOB, card, "Approve")
    assert delivery.acked
    await fleet.bots[0].kill()

    await fleet.bots[2].start()

    await shows(slack, card, "Applied: ")
    assert sendgrid.account.applied("acme") == [5000]
    assert len([call for call in sendgrid.calls if call.method == "PATCH"]) == 1


async def test_while_the_database_is_away_nothing_is_taken_and_afterwards_all_goes_on(
    slack: SlackSandbox, sendgrid: SendGridSandbox, fleet: Fleet, server: PostgresServer
) -> None:
    card = await ask(slack)
    server.stop()
    assert "Not accepted" in await refused(slack, card)
    server.start()

    await slack.click(BOB, card, "Approve")

    await shows(slack, card, "Applied: ")
    assert sendgrid.account.applied("acme") == [5000]
    assert await fleet.rows("SELECT 1 FROM events WHERE kind = 'approved'") != []


async def test_a_database_that_says_nothing_keeps_nobody_waiting(
    slack: SlackSandbox, sendgrid: SendGridSandbox, fleet: Fleet, server: PostgresServer
) -> None:
    card = await ask(slack)
    server.send(signal.SIGSTOP)
    try:
        assert "Not accepted" in await refused(slack, card)
        for look in ("pending", "history", "show 1"):
            before = len(slack.ephemerals(ALICE, GENERAL))
            await slack.command(ALICE, f"/credits {look}", channel=GENERAL)
            await slack.until(lambda: slack.ephemerals(ALICE, GENERAL)[before:])  # noqa: B023 - waited for
            assert "database does not answer right now" in slack.ephemerals(ALICE, GENERAL)[-1].plain()
    finally:
        server.send(signal.SIGCONT)
    assert not any("Traceback" in bot.log_file.read_text() for bot in fleet.bots)
    # What was not taken does not happen later.
    await slack.click(ALICE, card, "Cancel")
    await shows(slack, card, "Cancelled: ")
    assert sendgrid.account.applied("acme") == []


async def test_sigterm_ends_every_process_in_time_though_the_database_says_nothing(
    slack: SlackSandbox, fleet: Fleet, server: PostgresServer
) -> None:
    card = await ask(slack)
    server.send(signal.SIGSTOP)
    try:
        await refused(slack, card)  # so that a process waits for the database when it is stopped
        assert await asyncio.gather(*(bot.stop(patience=10) for bot in fleet.bots)) == [0, 0, 0, 0]
    finally:
        server.send(signal.SIGCONT)


async def test_socket_and_worker_processes_share_an_sqlite_file(
    slack: SlackSandbox, sendgrid: SendGridSandbox, settings: dict[str, str], tmp_path: Path
) -> None:
    bots = [Bot(settings, tmp_path, role=role, name=role) for role in ("socket", "worker")]
    for bot in bots:
        await bot.start()
    await slack.wait_for_socket()
    card = await ask(slack)
    await slack.click(BOB, card, "Approve")
    await shows(slack, card, "Applied: ")
    assert sendgrid.account.applied("acme") == [5000]
    assert [await bot.stop() for bot in bots] == [0, 0]


async def test_a_restart_of_the_database_in_the_midst_of_a_call_makes_no_doubt(
    slack: SlackSandbox, sendgrid: SendGridSandbox, fleet: Fleet, server: PostgresServer
) -> None:
    card = await ask(slack)
    sendgrid.faults.add("slow", seconds=1.5)
    await slack.click(BOB, card, "Approve")
    await sendgrid.until(lambda: [call for call in sendgrid.calls if call.method == "PATCH"])
    await fleet.restart_database("immediate")

    await shows(slack, card, "Applied: ")
    kinds = [row["kind"] for row in await fleet.rows("SELECT kind FROM events ORDER BY id")]
    assert "in_doubt" not in kinds
    assert sendgrid.account.applied("acme") == [5000]


MAKE_DUE = """
UPDATE timers SET due_at = (extract(epoch FROM now()) * 1000)::bigint - 1 WHERE name = 'comparison'
"""


@pytest.mark.lasts
async def test_a_comparison_of_balances_goes_on_where_a_dead_worker_left_it(
    slack: SlackSandbox, sendgrid: SendGridSandbox, fleet: Fleet
) -> None:
    for number in range(300):
        sendgrid.account.add_subuser(Subuser(f"sub{number}", "nonrecurring", remain=10))
    await until(fleet, "SELECT 1 FROM timers WHERE name = 'comparison'")
    await fleet.change(MAKE_DUE)
    await until(fleet, "SELECT 1 FROM events WHERE kind = 'compared'")
    changed = sendgrid.account.subuser("sub7")
    assert changed is not None
    sendgrid.account.apply(changed, 77)
    sendgrid.calls.clear()

    await fleet.change(MAKE_DUE)
    await sendgrid.until(lambda: len(sendgrid.calls) > 150)
    for bot in fleet.bots[2:]:
        await bot.kill()
    # A dead worker's lease would be waited for.
    await fleet.change("UPDATE timers SET next_try_at = NULL WHERE name = 'comparison'")
    for bot in fleet.bots[2:]:
        await bot.start()

    await until(fleet, "SELECT 1 FROM outbox WHERE kind = 'drift' AND sent_at IS NOT NULL")
    [told] = [message.plain() for message in slack.messages(APPROVALS) if "sub7" in message.plain()]
    assert "At least +77 credits came from elsewhere." in told
    [found] = await fleet.rows("SELECT count(*) AS n FROM events WHERE kind = 'drift'")
    assert found["n"] == 1


async def until(fleet: Fleet, statement: str) -> None:
    """Wait until the database has such a row."""
    async with asyncio.timeout(60):
        while not await fleet.rows(statement):  # noqa: ASYNC110 - other processes write it
            await asyncio.sleep(0.1)
