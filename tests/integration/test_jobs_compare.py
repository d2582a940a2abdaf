"""The daily comparison of balances with the ledger, against a SendGrid that others change, too."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from creditbot.domain.digest import Digest
from creditbot.domain.drift import Comparison, Finding, Kind
from creditbot.jobs.compare import KEPT, PATIENT_TRIES, Compare
from creditbot.jobs.messenger import DeliveryProblem
from creditbot.jobs.poll import AT_A_TIME
from creditbot.operations import activate_policy
from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser, rates
from creditbot.sendgrid.client import PAGE
from creditbot.store.history import history
from creditbot.store.tables import snapshots

from .adapters import ANN, CHANNEL, POLICY, Bot, Clock, ids
from .conftest import StartBot


async def begun(bot: Bot) -> Bot:
    """As it is started, at noon."""
    await activate_policy(bot.database, bot.policy, bot.clock)
    return bot


@pytest.fixture
async def watching(bot: Bot, clock: Clock) -> Bot:
    """The balances were read once, at eight in the morning; now it is noon again."""
    await begun(bot)
    clock.advance(hours=20)
    await bot.work("compare", "digest", "daily")
    assert bot.messenger.daily == []
    clock.advance(hours=4)
    await bot.work("digest", "daily")
    bot.messenger.daily.clear()
    return bot


async def next_morning(bot: Bot, clock: Clock) -> list[Comparison]:
    """All notices by the time at which the balances have been read again."""
    clock.advance(hours=20)
    return await told(bot)


async def told(bot: Bot) -> list[Comparison]:
    await bot.work("compare", "digest", "daily")
    assert {channel for channel, _ in bot.messenger.daily} <= {CHANNEL}
    return [notice for _, notice in bot.messenger.daily if isinstance(notice, Comparison)]


async def in_ledger(bot: Bot, kind: str) -> list[Any]:
    async with bot.database.read() as connection:
        rows = await connection.exec_driver_sql(
            f"SELECT detail FROM events WHERE kind = '{kind}' ORDER BY id"  # noqa: S608 - a name of ours
        )
        return [json.loads(row[0]) for row in rows]


def change_outside(sandbox: SendGridSandbox, subuser: str, by: int) -> None:
    """As someone would in SendGrid's console."""
    found = sandbox.account.subuser(subuser)
    assert found is not None
    sandbox.account.apply(found, by)


def reads(sandbox: SendGridSandbox) -> Sequence[str]:
    return [call.path for call in sandbox.calls if call.path.endswith("/credits")]


async def test_what_was_added_outside_is_told_with_the_arithmetic(
    watching: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    applied = await watching.approved(250)
    await watching.apply(applied.id)
    sandbox.account.send_mail("acme", 40)
    change_outside(sandbox, "acme", 700)
    sandbox.account.send_mail("other", 40)

    [notice] = await next_morning(watching, clock)

    [found] = notice.findings
    assert (found.subuser, found.kind) == ("acme", Kind.ROSE)
    assert (found.before.remain, found.expected, found.after.remain) == (1000, 1250, 1910)
    assert [(change["request"], change["allocation_update"]) for change in found.changes] == [
        (applied.id, 250)
    ]
    assert notice.compared == 2
    assert [Finding.read(event) for event in await in_ledger(watching, "drift")] == [found]
    async with watching.database.read() as connection:
        exported = [event.kind async for event in history(connection, None, None, subuser="acme")]
    assert exported[-1] == "drift"
    # What was found is where the next comparison starts from.
    assert await next_morning(watching, clock) == [notice]


async def test_the_bots_changes_and_mail_are_not_told(
    watching: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    for change in (250, -100):
        applied = await watching.approved(change)
        await watching.apply(applied.id)
    sandbox.account.send_mail("other", 900)

    assert await next_morning(watching, clock) == []

    assert (await in_ledger(watching, "compared"))[-1] == {
        "compared": 2,
        "not_comparable": 0,
        "found": 0,
        "unread": 0,
        "problem": None,
    }
    assert await watching.due_daily() == []


async def test_a_change_that_was_asked_for_in_another_case_is_not_told(
    watching: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    sandbox.account.add_subuser(Subuser("ACME", type="nonrecurring", remain=1000))
    applied = await watching.approved(250, "ACME")
    await watching.apply(applied.id)
    change_outside(sandbox, "acme", 250)  # where SendGrid does not mind the case, this is the same change
    assert await next_morning(watching, clock) == []


async def test_what_was_removed_outside_is_told_once_the_usual_use_is_known(
    watching: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    change_outside(sandbox, "acme", 99_000)
    for _ in range(4):
        sandbox.account.send_mail("acme", 60)
        clock.advance(hours=4)
        await next_morning(watching, clock)
    change_outside(sandbox, "acme", -5000)
    clock.advance(hours=4)

    [_, notice] = await next_morning(watching, clock)

    [found] = notice.findings
    assert (found.kind, found.usual) == (Kind.FELL, 60)
    assert found.expected is not None
    assert found.after.remain == found.expected - 5000


async def test_a_doubt_explains_a_rise_by_so_much_and_no_more(
    watching: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    request = await watching.approved(250)
    sandbox.faults.add("drop_after")
    await watching.apply(request.id)
    assert await next_morning(watching, clock) == []
    clock.advance(hours=4)
    sandbox.account.send_mail("acme", 250)
    await watching.work("settle")
    assert await next_morning(watching, clock) == []
    change_outside(sandbox, "acme", 300)
    clock.advance(hours=4)

    [notice] = await next_morning(watching, clock)

    [found] = notice.findings
    assert (found.expected, found.after.remain) == (1250, 1300)
    assert [change["landed"] for change in found.changes] == ["maybe"]


async def test_a_request_settled_wrongly_within_a_day_is_named(
    watching: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    request = await watching.approved(250)
    sandbox.account.send_mail("acme", 600)
    sandbox.faults.add("drop_after")
    await watching.apply(request.id)
    sandbox.account.send_mail("acme", 300)
    clock.advance(seconds=30)
    await watching.work("settle")
    await watching.settlements.settle(request.id, ANN, applied=False, reason="I think not")
    change_outside(sandbox, "acme", 800)

    [notice] = await next_morning(watching, clock)

    [found] = notice.findings
    assert [(change["request"], change["landed"], change["settled_by"]) for change in found.changes] == [
        (request.id, "no", "person")
    ]


async def test_another_kind_of_credits_is_told_and_a_reset_is_not(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    for name in ("monthly", "daily"):
        sandbox.account.add_subuser(
            Subuser(name, type="recurring", remain=5, total=900, last_reset=date(2026, 3, 1))
        )
    await begun(bot)
    clock.advance(hours=20)
    await told(bot)
    sandbox.account.reset("daily")
    monthly = sandbox.account.subuser("monthly")
    assert monthly is not None
    monthly.type = "unlimited"
    clock.advance(hours=4)

    [notice] = await next_morning(bot, clock)

    assert [(found.subuser, found.kind) for found in notice.findings] == [("monthly", Kind.TYPE)]
    assert (notice.compared, notice.not_comparable) == (3, 1)


async def test_every_page_is_read_each_subuser_once_in_several_runs(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "LIMIT", 100_000)
    many = PAGE + 2 * AT_A_TIME
    for number in range(many - 2):
        sandbox.account.add_subuser(Subuser(f"sub/{number}", type="nonrecurring", remain=10))
    await begun(bot)
    clock.advance(hours=20)
    runs = 0
    while ids(await bot.due(), "compare"):
        runs += 1
        await bot.compare(ids(await bot.due(), "compare")[0])
    assert runs == many / AT_A_TIME
    assert len(reads(sandbox)) == len(set(reads(sandbox))) == many
    async with bot.database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(snapshots)) == many


async def test_a_run_does_not_go_on_for_long_and_the_next_one_takes_over(
    watching: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    for number in range(20):
        sandbox.account.add_subuser(Subuser(f"sub{number}", type="nonrecurring", remain=10))
    clock.advance(hours=20)
    [key] = ids(await watching.due(), "compare")
    sandbox.calls.clear()
    hurried = Compare(watching.database, watching.sendgrid, watching.policy, CHANNEL, Hurried(clock))
    await hurried(key)
    assert 0 < len(reads(sandbox)) < 22
    assert await told(watching) == []
    assert (await in_ledger(watching, "compared"))[-1]["compared"] == 2
    assert len(reads(sandbox)) == len(set(reads(sandbox))) == 22


@dataclass
class Hurried:
    """A clock on which a second goes by whenever someone looks."""

    clock: Clock

    def __call__(self) -> datetime:
        self.clock.advance(seconds=1)
        return self.clock()


async def test_a_page_that_is_shorter_than_asked_is_not_the_end(
    bot: Bot, sandbox: SendGridSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(23):
        sandbox.account.add_subuser(Subuser(f"sub{number}", type="nonrecurring", remain=10))
    asked = bot.sendgrid._get

    async def ten_at_most(*args: Any, params: dict[str, str], **rest: Any) -> Any:
        return await asked(*args, params={**params, "limit": "10"}, **rest)

    monkeypatch.setattr(bot.sendgrid, "_get", ten_at_most)
    assert len(await bot.sendgrid.usernames()) == 25
    assert len(await bot.sendgrid.usernames(15)) == 20


async def test_while_sendgrid_is_away_it_waits_and_then_goes_on_where_it_stood(
    watching: Bot, sandbox: SendGridSandbox, start: StartBot, clock: Clock
) -> None:
    change_outside(sandbox, "other", 5)
    sandbox.calls.clear()
    sandbox.faults.add("status_before", method="GET", username="other", status=503, times=2)
    assert await next_morning(watching, clock) == []
    restarted = start()
    clock.advance(seconds=2)
    assert await told(restarted) == []
    clock.advance(seconds=3)

    [notice] = await told(restarted)

    assert [found.subuser for found in notice.findings] == ["other"]
    assert sorted(reads(sandbox)).count("/v3/subusers/acme/credits") == 1


async def test_a_killed_run_is_taken_up_when_its_lease_is_over(
    watching: Bot, sandbox: SendGridSandbox, start: StartBot, clock: Clock
) -> None:
    change_outside(sandbox, "acme", 5)
    clock.advance(hours=20)
    [key] = ids(await watching.due(), "compare")
    sandbox.calls.clear()
    sandbox.faults.add("hang_before", method="GET")
    run = asyncio.create_task(watching.compare(key))
    while not any("limit" in call.path for call in sandbox.calls):  # noqa: ASYNC110 - SendGrid's log of calls
        await asyncio.sleep(0.01)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    restarted = start()
    assert await told(restarted) == []
    clock.advance(minutes=1)
    assert len(await told(restarted)) == 1


async def test_what_one_subuser_does_not_tell_keeps_no_other_from_being_compared(
    watching: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    change_outside(sandbox, "other", 5)
    sandbox.faults.add("status_before", method="GET", username="acme", status=451)
    [notice] = await next_morning(watching, clock)
    assert notice.unread == ("acme",)
    assert "another region" in (notice.problem or "")
    assert [found.subuser for found in notice.findings] == ["other"]


async def test_a_reading_that_failed_is_passed_over_by_the_next_comparison(
    watching: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    change_outside(sandbox, "acme", 5)
    sandbox.faults.add("status_before", method="GET", username="acme", status=451)
    await next_morning(watching, clock)
    clock.advance(hours=4)
    [_, notice] = await next_morning(watching, clock)
    assert [(found.subuser, found.before.remain) for found in notice.findings] == [("acme", 1000)]


async def test_odd_names_are_read_or_named(watching: Bot, sandbox: SendGridSandbox, clock: Clock) -> None:
    for name in ("..", "a/b", "ü\nx", "50%"):
        sandbox.account.add_subuser(
            Subuser(name, type="recurring", remain=10, total=10, last_reset=date(2026, 3, 1))
        )
    change_outside(sandbox, "acme", 5)
    [notice] = await next_morning(watching, clock)
    assert notice.unread == ("..", "ü\nx")
    assert [found.subuser for found in notice.findings] == ["acme"]


async def test_a_subuser_that_is_deleted_meanwhile_is_no_fault(
    watching: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    gone = {"errors": [{"message": "No user found"}]}
    sandbox.faults.add("status_before", method="GET", username="acme", status=400, body=gone)
    assert await next_morning(watching, clock) == []
    last = (await in_ledger(watching, "compared"))[-1]
    assert (last["compared"], last["not_comparable"]) == (1, 1)


async def test_deleted_subusers_that_are_still_listed_keep_no_other_from_being_compared(
    watching: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    gone = {"errors": [{"message": "No user found"}]}
    for number in range(AT_A_TIME + 1):
        name = f"aaa{number}"
        sandbox.account.add_subuser(Subuser(name, type="nonrecurring", remain=1))
        sandbox.faults.add("status_before", method="GET", username=name, status=400, body=gone)
    change_outside(sandbox, "acme", 5)
    [notice] = await next_morning(watching, clock)
    assert (notice.compared, notice.not_comparable, notice.unread) == (2, AT_A_TIME + 1, ())


async def test_one_subuser_that_the_key_may_not_see_is_not_taken_for_a_wrong_key(
    watching: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    sandbox.faults.add("status_before", method="GET", username="acme", status=403)
    change_outside(sandbox, "other", 5)
    [notice] = await next_morning(watching, clock)
    assert (notice.compared, notice.unread) == (1, ("acme",))


async def test_a_key_that_may_see_no_subusers_credits_does_not_ask_for_all(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    for number in range(50):
        sandbox.account.add_subuser(Subuser(f"sub{number}", type="nonrecurring", remain=1))
        sandbox.faults.add("status_before", method="GET", username=f"sub{number}", status=403)
    for name in ("acme", "other"):
        sandbox.faults.add("status_before", method="GET", username=name, status=403)
    await begun(bot)
    [notice] = await next_morning(bot, clock)
    assert (notice.compared, len(notice.unread)) == (0, 52)
    assert "subusers.credits.read" in (notice.problem or "")
    assert len(reads(sandbox)) < 12


async def test_a_clock_that_was_ahead_for_a_while_silences_nothing(
    watching: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    clock.advance(days=10)
    await told(watching)
    watching.messenger.daily.clear()
    clock.advance(days=-10)
    await begun(watching)
    await next_morning(watching, clock)
    change_outside(sandbox, "acme", 5)
    clock.advance(hours=4)
    assert [len(notice.findings) for notice in await next_morning(watching, clock)] == [1]


async def test_a_policy_that_changed_in_the_meantime_skips_no_comparison_that_is_due(
    watching: Bot, start: StartBot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    change_outside(sandbox, "acme", 5)
    clock.advance(hours=21)
    changed = await begun(start(replace(POLICY, drift=time(7))))
    assert len(await told(changed)) == 1


async def test_a_key_without_the_scope_is_told_at_once(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    sandbox.faults.add("status_before", method="GET", status=403)
    await begun(bot)
    [notice] = await next_morning(bot, clock)
    assert notice.compared == 0
    assert notice.problem is not None
    assert "subusers.read" in notice.problem


async def test_after_hours_without_sendgrid_that_is_told_once(
    watching: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    sandbox.faults.down = True
    clock.advance(hours=20)
    [key] = ids(await watching.due(), "compare")
    for _ in range(PATIENT_TRIES):
        await watching.compare(key)
        clock.advance(seconds=31)
    assert watching.messenger.daily == []
    [notice] = await told(watching)
    assert notice.problem is not None
    clock.advance(hours=1)
    assert await told(watching) == [notice]


async def test_two_processes_tell_once(
    watching: Bot, start: StartBot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    change_outside(sandbox, "acme", 5)
    bots = [watching, start()]
    clock.advance(hours=20)
    [key] = ids(await watching.due(), "compare")
    assert await watching.due_daily() == []
    await asyncio.gather(*(bot.compare(key) for bot in bots))
    await asyncio.gather(*(told(bot) for bot in bots))
    assert sum(len(bot.messenger.daily) for bot in bots) == 1
    assert len(await in_ledger(watching, "drift")) == 1


async def test_what_slack_does_not_take_is_told_later(
    watching: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    change_outside(sandbox, "acme", 5)
    watching.messenger.problems.append(DeliveryProblem("ratelimited", wait=5, not_done=True))
    assert await next_morning(watching, clock) == []
    clock.advance(seconds=7)
    assert len(await told(watching)) == 1
    assert len(await in_ledger(watching, "drift")) == 1


async def test_the_policy_may_switch_it_off(start: StartBot, sandbox: SendGridSandbox, clock: Clock) -> None:
    await begun(start())
    bot = await begun(start(replace(POLICY, drift=None)))
    clock.advance(days=2)
    assert ids(await bot.due(), "compare") == []
    assert sandbox.calls == []


async def test_readings_are_forgotten_after_some_weeks(watching: Bot, clock: Clock) -> None:
    clock.advance(days=KEPT / timedelta(days=1))
    await told(watching)
    async with watching.database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(snapshots)) == 2


async def test_the_digest_tells_whether_balances_were_compared(
    watching: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    change_outside(sandbox, "acme", 5)
    clock.advance(hours=21)
    await watching.work("compare")
    await watching.work("digest", "daily")
    [digest] = [found for _, found in watching.messenger.daily if isinstance(found, Digest)]
    assert (digest.compared, digest.drifted) == (2, 1)


async def test_a_limit_that_is_nearly_used_up_is_left_to_people_and_it_goes_on_later(
    watching: Bot,
    sandbox: SendGridSandbox,
    start: StartBot,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    change_outside(sandbox, "other", 5)
    sandbox.calls.clear()
    monkeypatch.setattr(rates, "LIMIT", 5)
    await watching.sendgrid.balance()
    assert await next_morning(watching, clock) == []
    assert len(sandbox.calls) == 1
    assert (await watching.sendgrid.subuser_credits("other")).remain is not None

    monkeypatch.setattr(rates, "LIMIT", 600)
    clock.advance(seconds=90)
    [notice] = await told(start())
    assert [found.subuser for found in notice.findings] == ["other"]
