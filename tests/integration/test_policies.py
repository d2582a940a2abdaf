"""What a policy demands, checked where it counts: in the transactions of the real store."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain.errors import DomainError, Refusal
from creditbot.domain.evidence import Reading
from creditbot.domain.policy import Limits, Policy, Reminders, Route, Tier
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.who import Roster, Who
from creditbot.operations import activate_policy, steps
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.slack.cards.card import request_card
from creditbot.store import attempts
from creditbot.store.engines import is_postgres
from creditbot.store.work import WakeUp
from tests import authority
from tests.authority import ACTIONS, ROLES
from tests.extent import pairwise, short_or_long

from .adapters import ANN, ASKER, BEN, CAT, CHANNEL, OUTSIDER, Bot, Clock, RecordingWaker, ids, patches
from .conftest import StartBot
from .states import brought_to

ONE = Policy.one_tier([ANN, BEN, CAT])
TWO = Policy.one_tier([ANN, BEN, CAT], 2)


def with_limits(**limits: Any) -> Policy:
    return replace(ONE, limits=Limits(**limits))


async def refused_asks(bot: Bot) -> list[dict[str, Any]]:
    async with bot.database.read() as connection:
        rows = await connection.exec_driver_sql(
            "SELECT detail FROM events WHERE kind = 'refused_ask' ORDER BY id"
        )
        return [json.loads(row[0]) for row in rows]


async def act(bot: Bot, request: CreditRequest, person: authority.Role, action: str) -> object:
    actor = person.actor
    match action:
        case "approve":
            return await bot.decisions.approve(request.id, actor)
        case "withdraw":
            return await bot.decisions.withdraw(request.id, actor)
        case "deny":
            return await bot.decisions.deny(request.id, actor, "no")
        case "cancel":
            return await bot.decisions.cancel(request.id, actor)
        case "break_glass":
            return await bot.decisions.break_glass(request.id, actor, "nobody answers")
        case "settle":
            return await bot.settlements.settle(
                request.id, actor, applied=False, reason="the console says so"
            )
        case "check_again":
            return await bot.settlements.check_again(request.id, actor)
        case "request_again":
            return await bot.ask_again(request.id, by=actor, team=person.elsewhere)
    raise AssertionError(action)


TABLE = list(product(("sqlite", "postgresql"), ROLES, Status, ACTIONS))

ALLOWED = {
    (status, action): (database, role, status, action)
    for database, role, status, action in TABLE
    if authority.allowed(role, status, action)
}
"""For each state, one who may take each action that is open to anyone in it."""

TRIED = frozenset(pairwise(TABLE)) | frozenset(ALLOWED.values())
"""Of the whole table, which `tests/unit` tries without a database."""


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_do_what_in_which_state(
    start: StartBot, sandbox: SendGridSandbox, clock: Clock, role: str
) -> None:
    """Each action in each state, tried for real: what is refused changes nothing but the ledger."""
    person = ROLES[role]
    bot = start(authority.POLICY, roster=person.roster)
    database = "postgresql" if is_postgres(bot.url) else "sqlite"
    for status in Status:
        actions = [action for action in ACTIONS if (database, role, status, action) in TRIED]
        if not actions:
            continue
        request = await brought_to(bot.database, status, person, clock())
        clock.advance(seconds=person.later.total_seconds())
        for action in actions:
            before = await bot.request(request.id)
            try:
                await act(bot, request, person, action)
            except DomainError:
                assert not authority.allowed(role, status, action), (status, action)
                assert await bot.request(request.id) == before
                kinds = await bot.kinds(request.id)
                assert kinds[-1] in {"refused_click", "repeated_click"}, (status, action)
            else:
                assert authority.allowed(role, status, action), (status, action)
                clock.advance(seconds=-person.later.total_seconds())
                request = await brought_to(bot.database, status, person, clock())
                clock.advance(seconds=person.later.total_seconds())
        clock.advance(seconds=-person.later.total_seconds())
    assert patches(sandbox) == []


class TestAQuorum:
    async def test_is_reached_only_with_one_of_the_second_list(self, start: StartBot) -> None:
        policy = Policy(tiers=(Tier("t", Who.of([ANN, BEN]), 2, Who.of([CAT])),))
        bot = start(policy)
        request = await bot.checked()
        await bot.decisions.approve(request.id, ANN)
        assert (await bot.decisions.approve(request.id, BEN)).status is Status.PENDING
        assert (await bot.decisions.approve(request.id, CAT)).status is Status.APPROVED

    async def test_is_reached_by_the_backup_alone_once_it_is_escalated(
        self, start: StartBot, clock: Clock
    ) -> None:
        tier = Tier("t", Who.of([ANN]), 1, Who.of([CAT]))
        escalation = Reminders(escalate_after=timedelta(hours=1), escalate_to=Who.of([OUTSIDER]))
        bot = start(Policy(tiers=(tier,), reminders=escalation))
        request = await bot.checked()
        with pytest.raises(Refusal, match="Only an approver"):
            await bot.decisions.approve(request.id, OUTSIDER)
        clock.advance(hours=1)
        assert (await bot.decisions.approve(request.id, ANN)).status is Status.PENDING
        assert (await bot.decisions.approve(request.id, OUTSIDER)).status is Status.APPROVED

    async def test_forgets_who_may_not_approve_any_more(self, start: StartBot) -> None:
        policy = Policy.one_tier(["S0FINANCE", BEN, CAT], 2)
        bot = start(policy, roster=Roster({"S0FINANCE": frozenset({ANN})}))
        request = await bot.checked()
        await bot.decisions.approve(request.id, ANN)
        bot.directory.roster = Roster({"S0FINANCE": frozenset()})
        assert (await bot.decisions.approve(request.id, BEN)).status is Status.PENDING
        assert (await bot.decisions.approve(request.id, CAT)).status is Status.APPROVED

    async def test_waits_while_it_cannot_be_known_whether_someone_still_may(self, start: StartBot) -> None:
        bot = start(Policy.one_tier(["S0FINANCE", BEN], 2), roster=Roster({"S0FINANCE": frozenset({ANN})}))
        request = await bot.checked()
        await bot.decisions.approve(request.id, ANN)
        known = bot.directory.roster
        bot.directory.roster = Roster({}, frozenset({"S0FINANCE"}))
        assert (await bot.decisions.approve(request.id, BEN)).status is Status.PENDING
        with pytest.raises(Refusal, match="Try again in a minute"):
            await bot.decisions.approve(request.id, BEN)
        bot.directory.roster = known
        assert (await bot.decisions.approve(request.id, BEN)).status is Status.APPROVED

    async def test_is_made_up_by_listed_people_whatever_group_cannot_be_read(self, start: StartBot) -> None:
        unreadable = Roster({}, frozenset({"S0FINANCE"}))
        before = start(Policy.one_tier([ANN, BEN, CAT, "S0FINANCE"], 2), roster=unreadable)
        request = await before.checked()
        await before.decisions.approve(request.id, ANN)
        after = start(Policy.one_tier([BEN, CAT, "S0FINANCE"], 2), roster=unreadable)
        assert (await after.decisions.approve(request.id, BEN)).status is Status.PENDING
        assert (await after.decisions.approve(request.id, CAT)).status is Status.APPROVED

    async def test_can_be_left_again_until_it_is_there(
        self, start: StartBot, sandbox: SendGridSandbox
    ) -> None:
        bot = start(TWO)
        request = await bot.checked()
        await bot.decisions.approve(request.id, ANN)
        assert (await bot.decisions.withdraw(request.id, ANN)).approvals == ()
        assert (await bot.decisions.approve(request.id, BEN)).status is Status.PENDING
        assert (await bot.decisions.approve(request.id, ANN)).status is Status.APPROVED
        with pytest.raises(Refusal, match="has already been approved"):
            await bot.decisions.withdraw(request.id, ANN)
        await bot.work("apply")
        assert sandbox.account.applied("acme") == [250]
        kinds = await bot.kinds(request.id)
        assert kinds[2:6] == ["approval", "approval_withdrawn", "approval", "approved"]

    async def test_is_one_decision_whatever_is_clicked_at_once(self, start: StartBot) -> None:
        bots = [start(TWO), start(TWO)]
        for _ in range(short_or_long(4, 10)):
            request = await bots[0].checked(1)
            await bots[0].decisions.approve(request.id, ANN)
            await asyncio.gather(
                bots[0].decisions.withdraw(request.id, ANN),
                bots[1].decisions.approve(request.id, BEN),
                return_exceptions=True,
            )
            found = await bots[0].request(request.id)
            counted = len(found.approvals)
            assert (found.status, counted) in {(Status.APPROVED, 2), (Status.PENDING, 1)}
            if found.status is Status.PENDING:
                assert await bots[0].kinds(request.id) == [
                    "requested",
                    "checked",
                    "approval",
                    "approval_withdrawn",
                    "approval",
                ]

    async def test_ends_with_one_denial(self, start: StartBot) -> None:
        bot = start(TWO)
        request = await bot.checked()
        await bot.decisions.approve(request.id, ANN)
        assert (await bot.decisions.deny(request.id, BEN, "no")).status is Status.DENIED


class TestLimits:
    async def test_of_one_request(self, start: StartBot) -> None:
        bot = start(with_limits(per_request=100))
        assert (await bot.ask(-100)).status is Status.PENDING
        with pytest.raises(Refusal, match=r"100 credits at most, .* 101\. .* Rule: limits\.per_request\."):
            await bot.ask(-101)
        [recorded] = await refused_asks(bot)
        assert (recorded["rule"], recorded["allocation_update"]) == ("per_request", -101)

    async def test_of_one_requester_count_what_waits(self, start: StartBot) -> None:
        bot = start(with_limits(per_requester_24h=100))
        await bot.ask(60)
        with pytest.raises(Refusal, match="You have asked for 60 of the 100 credits"):
            await bot.ask(-41, "other")
        await bot.ask(-40, "other")
        assert (await bot.ask(41, by=OUTSIDER)).status is Status.PENDING

    @pytest.mark.parametrize(("name", "again"), [("acme", "ACME"), ("äcme", "ÄCME")])
    async def test_of_one_subuser_in_any_spelling(self, start: StartBot, name: str, again: str) -> None:
        bot = start(with_limits(per_subuser_24h=100))
        await bot.ask(60, name)
        with pytest.raises(Refusal, match=r"limits\.per_subuser_24h"):
            await bot.ask(41, again, by=OUTSIDER)
        await bot.ask(100, "other")

    async def test_in_all_roll_on_after_24_hours(self, start: StartBot, clock: Clock) -> None:
        bot = start(with_limits(in_all_24h=100))
        request = await bot.approved(60)
        await bot.work("apply")
        assert await bot.status(request.id) is Status.APPLIED
        clock.advance(hours=23, minutes=59)
        with pytest.raises(Refusal, match="Ask for 40 or fewer, or wait"):
            await bot.ask(41, "other")
        clock.advance(minutes=2)
        await bot.ask(100, "other")

    async def test_are_not_passed_by_asking_at_once(self, start: StartBot) -> None:
        policy = with_limits(in_all_24h=100)
        bots = [start(policy), start(policy)]
        asked = await asyncio.gather(
            *(bots[turn % 2].ask(30, by=f"U{turn}") for turn in range(8)), return_exceptions=True
        )
        assert sum(isinstance(end, CreditRequest) for end in asked) <= 3
        async with bots[0].database.read() as connection:
            total = await connection.exec_driver_sql(
                "SELECT COALESCE(SUM(allocation_update), 0) FROM requests"
            )
            assert total.scalar_one() <= 100

    async def test_of_what_ended_unapplied_are_free_again(self, start: StartBot) -> None:
        bot = start(with_limits(in_all_24h=100))
        request = await bot.checked(100)
        await bot.decisions.deny(request.id, ANN, "no")
        await bot.ask(100)

    async def test_leave_a_floor(self, start: StartBot, sandbox: SendGridSandbox) -> None:
        bot = start(with_limits(floor=800))
        asked = await bot.ask(-201)
        await bot.check(asked.id)
        found = await bot.request(asked.id)
        assert found.status is Status.REFUSED
        assert "at least 800" in str(found.explanation)
        fine = await bot.approved(-200)
        sandbox.account.send_mail("acme", 100)
        await bot.work("apply")
        found = await bot.request(fine.id)
        assert found.status is Status.FAILED
        assert "Rule: floor" in str(found.explanation)
        assert patches(sandbox) == []

    async def test_a_refused_request_that_comes_twice_is_one_event(self, start: StartBot) -> None:
        bot = start(with_limits(per_request=100))
        for _ in range(2):
            with pytest.raises(Refusal):
                await bot.ask(101, origin="command:1")
        assert len(await refused_asks(bot)) == 1


async def test_only_those_may_ask_who_are_listed(start: StartBot) -> None:
    bot = start(replace(ONE, may_ask=Who.of(["S0SUPPORT"])), roster=Roster({"S0SUPPORT": frozenset({ASKER})}))
    await bot.ask()
    with pytest.raises(Refusal, match=r"You may not ask for credits.*Rule: may_ask"):
        await bot.ask(by=OUTSIDER)
    bot.directory.roster = Roster({}, frozenset({"S0SUPPORT"}))
    with pytest.raises(Refusal, match="can't tell whether you may ask"):
        await bot.ask(by=ASKER)


async def test_a_change_that_no_tier_covers_is_refused(start: StartBot) -> None:
    bot = start(Policy(tiers=(Tier("small", Who.of([ANN]), up_to=100),)))
    with pytest.raises(Refusal, match="No tier of the policy covers"):
        await bot.ask(101)


async def test_the_card_goes_where_the_policy_says(start: StartBot) -> None:
    bot = start(replace(ONE, routes=(Route(("ac*",), "C0ACME"),)))
    for subuser, channel in (("acme", "C0ACME"), ("other", CHANNEL)):
        request = await bot.checked(1, subuser)
        assert [card["channel"] for card in await bot.cards_of(request.id)] == [channel]


class TestBreakGlass:
    POLICY = replace(TWO, break_glass=Who.of([ASKER]), limits=Limits(per_request=1000))

    async def test_approves_ones_own_announces_it_and_stays_in_the_ledger(
        self, start: StartBot, sandbox: SendGridSandbox
    ) -> None:
        bot = start(self.POLICY)
        request = await bot.checked()
        assert await bot.decisions.wants_break_glass(request.id, ASKER)
        found = await bot.decisions.break_glass(request.id, ASKER, "nobody answers")
        assert (found.status, found.decided_by) == (Status.APPROVED, ASKER)
        assert found.break_glass_reason == "nobody answers"
        await bot.work("apply", "notices")
        assert sandbox.account.applied("acme") == [250]
        assert (CHANNEL, "break_glass", request.id) in bot.messenger.notices
        [event] = [event for event in await bot.events(request.id) if event["kind"] == "break_glass"]
        assert json.loads(event["detail"])["reason"] == "nobody answers"

    async def test_is_for_nobody_elses_request(self, start: StartBot) -> None:
        bot = start(self.POLICY)
        asked = await bot.ask(by=OUTSIDER)
        await bot.check(asked.id)
        assert not await bot.decisions.wants_break_glass(asked.id, ASKER)
        with pytest.raises(Refusal, match="Only the requester"):
            await bot.decisions.break_glass(asked.id, ASKER, "please")

    async def test_is_for_nobody_who_is_not_named(self, start: StartBot) -> None:
        bot = start(TWO)
        request = await bot.checked()
        with pytest.raises(Refusal, match="Only the requester"):
            await bot.decisions.break_glass(request.id, ASKER, "please")
        with pytest.raises(Refusal, match="is your own"):
            await bot.decisions.approve(request.id, ASKER)


@dataclass
class StepsWaker(RecordingWaker):
    """Which cards each transaction has drawn anew, by their IDs in the outbox; then the process dies."""

    most: int = 1000
    drawn: list[list[int]] = field(default_factory=list)

    async def defer(self, connection: AsyncConnection, wake_ups: list[WakeUp]) -> None:
        del connection
        if len(self.drawn) == self.most:
            raise RuntimeError("the process dies")
        self.drawn.append(ids(wake_ups, "deliver"))


class TestAnotherPolicy:
    async def test_is_written_down_once_and_whole(self, start: StartBot) -> None:
        bot = start(ONE)
        assert await activate_policy(bot.database, ONE, bot.clock) == "first"
        assert await activate_policy(bot.database, ONE, bot.clock) is None
        assert await activate_policy(bot.database, TWO, bot.clock) == "another"
        async with bot.database.read() as connection:
            rows = await connection.exec_driver_sql(
                "SELECT detail FROM events WHERE kind = 'policy' ORDER BY id"
            )
            details = [json.loads(row[0]) for row in rows]
        assert [detail["hash"] for detail in details] == [ONE.hash, TWO.hash]
        assert details[1]["policy"] == TWO.document()

    async def test_is_followed_a_few_requests_at_a_time(
        self, start: StartBot, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(steps, "STEP", 2)
        bot = start(ONE)
        asked = [await bot.checked(amount) for amount in range(1, 6)]
        waker = StepsWaker()
        bot.database.waker = waker
        await activate_policy(bot.database, TWO, clock)
        assert waker.drawn == [[], [1, 2], [3, 4], [5]]
        assert [(await bot.request(one.id)).version - one.version for one in asked] == [1] * 5

    async def test_that_a_process_died_of_is_followed_in_the_end_by_the_next_one(
        self, start: StartBot, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(steps, "STEP", 2)
        bot, hour = start(ONE), replace(ONE, expiry=timedelta(hours=1))
        asked = [await bot.checked(amount) for amount in range(1, 6)]
        bot.database.waker = StepsWaker(most=3)
        with pytest.raises(RuntimeError, match="the process dies"):
            await activate_policy(bot.database, hour, clock)
        bot.database.waker = None
        shortened = [(await bot.request(one.id)).expires_at < one.expires_at for one in asked]
        assert shortened == [True] * 4 + [False]

        assert await activate_policy(bot.database, hour, clock) is None
        assert (await bot.request(asked[-1].id)).expires_at == asked[-1].requested_at + timedelta(hours=1)
        waker = bot.database.waker = StepsWaker()
        assert await activate_policy(bot.database, hour, clock) is None
        assert waker.drawn == [[]]

    async def test_that_is_stricter_bites_on_what_waits_for_approval(self, start: StartBot) -> None:
        lax, strict = start(ONE), start(TWO)
        request = await lax.checked()
        assert (await strict.decisions.approve(request.id, ANN)).status is Status.PENDING
        assert (await strict.decisions.approve(request.id, BEN)).policy_hash == TWO.hash

    async def test_with_a_lower_limit_bites_at_the_approval(self, start: StartBot) -> None:
        lax, strict = start(ONE), start(with_limits(per_request=100))
        request = await lax.checked(250)
        with pytest.raises(Refusal, match=r"limits\.per_request"):
            await strict.decisions.approve(request.id, ANN)
        assert await lax.status(request.id) is Status.PENDING

    async def test_that_is_laxer_is_complete_with_a_click_of_who_agreed(self, start: StartBot) -> None:
        strict, lax = start(TWO), start(ONE)
        request = await strict.checked()
        await strict.decisions.approve(request.id, ANN)
        assert (await lax.decisions.approve(request.id, ANN)).status is Status.APPROVED

    async def test_gives_less_time_and_never_more(self, start: StartBot, clock: Clock) -> None:
        bot = start(ONE)
        request = await bot.checked()
        await activate_policy(bot.database, replace(ONE, expiry=timedelta(hours=1)), clock)
        found = await bot.request(request.id)
        assert found.expires_at == request.requested_at + timedelta(hours=1)
        assert found.version > request.version
        await activate_policy(bot.database, replace(ONE, expiry=timedelta(hours=48)), clock)
        assert (await bot.request(request.id)).expires_at == found.expires_at

    @pytest.mark.parametrize(
        ("policy", "says"),
        [
            (TWO, "1 more approval"),
            (with_limits(per_request=100), "limits.per_request"),
            (Policy(tiers=(Tier("small", Who.of([ANN]), up_to=100),)), "No tier"),
            (Policy.one_tier([BEN]), "1 more approval"),
        ],
    )
    async def test_stops_what_was_approved_and_not_yet_sent(
        self, start: StartBot, sandbox: SendGridSandbox, policy: Policy, says: str
    ) -> None:
        before, after = start(ONE), start(policy)
        request = await before.approved()
        await after.apply(request.id)
        found = await before.request(request.id)
        assert found.status is Status.CANCELLED
        assert "The policy changed before this was sent" in str(found.explanation)
        assert says in str(found.explanation)
        assert await before.notices_of(request.id) >= {(ASKER, "cancelled"), (ANN, "cancelled")}
        assert patches(sandbox) == []

    @pytest.mark.parametrize("tried", [False, True])
    async def test_stops_what_was_claimed_and_not_sent(
        self, start: StartBot, sandbox: SendGridSandbox, clock: Clock, *, tried: bool
    ) -> None:
        before, after = start(ONE), start(TWO)
        request = await before.approved()
        if tried:
            sandbox.faults.add("rate_limit", method="PATCH")
        else:
            sandbox.faults.add("status_before", method="GET", status=500)
        await before.apply(request.id)
        assert await before.status(request.id) is Status.APPLYING
        clock.advance(minutes=2)
        await after.work("apply")
        found = await before.request(request.id)
        assert found.status is Status.FAILED
        assert found.may_be_asked_again
        assert "The policy changed before this was sent" in str(found.explanation)
        assert "1 more approval" in str(found.explanation)
        assert sandbox.account.applied("acme") == []
        assert await before.notices_of(request.id) >= {(ASKER, "failed"), (ANN, "failed")}

    async def test_ends_nothing_that_may_have_been_applied(self, start: StartBot, clock: Clock) -> None:
        before, after = start(ONE), start(TWO)
        request = await before.applying()
        async with before.database.write() as transaction:  # the process dies before its answer comes
            await attempts.start(
                transaction, request.id, 1, Reading("nonrecurring", 1000, None), before.clock()
            )
        clock.advance(minutes=20)
        await after.apply(request.id)
        assert await after.status(request.id) is Status.IN_DOUBT

    async def test_waits_no_longer_than_others_for_a_group_once_it_holds_the_subuser(
        self, start: StartBot, sandbox: SendGridSandbox, clock: Clock
    ) -> None:
        before = start(ONE)
        request = await before.approved()
        sandbox.faults.add("status_before", method="GET", status=500)
        await before.apply(request.id)
        after = start(Policy.one_tier(["S0FINANCE"]), roster=Roster({}, frozenset({"S0FINANCE"})))
        clock.advance(minutes=14)
        await after.work("apply")
        assert await after.status(request.id) is Status.APPLYING
        clock.advance(minutes=2)
        await after.work("apply")
        assert await after.status(request.id) is Status.FAILED
        assert patches(sandbox) == []

    async def test_that_would_have_approved_it_too_lets_it_go(
        self, start: StartBot, sandbox: SendGridSandbox
    ) -> None:
        before, after = start(ONE), start(Policy.one_tier([ANN]))
        request = await before.approved()
        await after.apply(request.id)
        assert sandbox.account.applied("acme") == [250]
        assert await before.status(request.id) is Status.APPLIED

    async def test_waits_for_a_group_that_cannot_be_read(
        self, start: StartBot, sandbox: SendGridSandbox, clock: Clock
    ) -> None:
        before = start(ONE)
        request = await before.approved()
        after = start(Policy.one_tier(["S0FINANCE"]), roster=Roster({}, frozenset({"S0FINANCE"})))
        await after.apply(request.id)
        assert await before.status(request.id) is Status.APPROVED
        after.directory.roster = Roster({"S0FINANCE": frozenset({ANN})})
        clock.advance(minutes=1)
        await after.apply(request.id)
        assert sandbox.account.applied("acme") == [250]
        # What it waited for is over, and says nothing of how it ended.
        assert (await before.request(request.id)).explanation is None

    async def test_says_once_that_it_waits_for_a_group_and_ends_what_waits_too_long(
        self, start: StartBot, sandbox: SendGridSandbox, clock: Clock
    ) -> None:
        before = start(ONE)
        request = await before.approved()
        policy, roster = Policy.one_tier(["S0FINANCE"]), Roster({}, frozenset({"S0FINANCE"}))
        after = start(policy, roster=roster)
        clock.advance(hours=3)  # it may have waited for another change: that counts for nothing
        for _ in range(15):
            await after.work("apply")
            clock.advance(minutes=1)
        held = await before.request(request.id)
        says = request_card(held, policy, roster, clock()).text
        assert held.status is Status.APPROVED
        assert "Not sent yet" in says
        assert "read the members of <!subteam^S0FINANCE>" in says
        assert (await before.kinds(request.id)).count("held") == 1
        assert (ASKER, "held") in await before.notices_of(request.id)

        clock.advance(minutes=1)
        await after.work("apply")
        ended = await before.request(request.id)
        assert ended.status is Status.CANCELLED
        assert "for 15 minutes and sent nothing" in str(ended.explanation)
        assert await before.notices_of(request.id) >= {(ASKER, "cancelled"), (ANN, "cancelled")}
        assert patches(sandbox) == []

    async def test_is_no_excuse_on_the_card_of_what_a_person_cancels(self, start: StartBot) -> None:
        before = start(ONE)
        request = await before.approved()
        roster = Roster({}, frozenset({"S0FINANCE"}))
        after = start(Policy.one_tier(["S0FINANCE"]), roster=roster)
        await after.apply(request.id)
        with pytest.raises(Refusal, match="can't tell whether you may cancel"):
            await after.decisions.cancel(request.id, ANN)
        ended = await after.decisions.cancel(request.id, ASKER)
        assert (ended.status, ended.explanation) == (Status.CANCELLED, None)
        await after.assert_sound()

    async def test_takes_break_glass_back_from_what_was_not_yet_sent(
        self, start: StartBot, sandbox: SendGridSandbox
    ) -> None:
        before, after = start(TestBreakGlass.POLICY), start(TWO)
        request = await before.checked()
        await before.decisions.break_glass(request.id, ASKER, "nobody answers")
        await after.apply(request.id)
        assert await before.status(request.id) is Status.CANCELLED
        assert patches(sandbox) == []
