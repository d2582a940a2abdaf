"""Any order of asking, deciding, failing, crashing and settling keeps the promise."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import ExitStack
from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from creditbot.domain.errors import DomainError
from creditbot.domain.policy import Policy
from creditbot.domain.relations import RelationKind
from creditbot.domain.requests import FINAL, HOLDS_SUBUSER, TRANSITIONS, CreditRequest, Status
from creditbot.domain.who import Actor
from creditbot.elapsed import boottime
from creditbot.operations import Delivery
from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser
from creditbot.sandbox.sendgrid.faults import Kind
from creditbot.store import requests, tables
from tests.extent import short_or_long

from .adapters import ANN, ASKER, BEN, CAT, OUTSIDER, Bot, Clock
from .conftest import EmptyDatabase

SUBUSERS = ["acme", "other"]
FAULTS: list[Kind | None] = [
    None,
    "drop_before",
    "drop_after",
    "reset_connection",
    "truncate_after",
    "garbage_before",
    "garbage_after",
    "status_after",
    "status_before",
    "rate_limit",
]
MAY_HAVE_COUNTED = {"applied", "in_doubt", None}
INDEX = st.integers(min_value=0, max_value=4)
PEOPLE = st.sampled_from([ASKER, ANN, BEN, CAT, OUTSIDER])
EXPIRY = timedelta(hours=2)


class Promise(RuleBasedStateMachine):
    """One database, one SendGrid, and a bot that may die and start again at any point."""

    empty_database: EmptyDatabase

    def __init__(self) -> None:
        super().__init__()
        self.databases = ExitStack()
        self.url = self.databases.enter_context(type(self).empty_database())
        self.runner = asyncio.Runner()
        self.clock = Clock()
        self.sandbox = SendGridSandbox()
        self.asked: list[int] = []
        self.bot: Bot | None = None

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    @property
    def running(self) -> Bot:
        assert self.bot is not None
        return self.bot

    @initialize(needed=st.sampled_from([1, 2]))
    def open(self, needed: int) -> None:
        self.policy = Policy.one_tier([ANN, BEN, CAT], needed, EXPIRY)

        async def begin() -> None:
            await self.sandbox.start()
            for name in SUBUSERS:
                self.sandbox.account.add_subuser(Subuser(name, type="nonrecurring", remain=1000))
            self.bot = Bot(self.url, self.sandbox, self.clock, policy=self.policy, timeout=5.0)

        self.do(begin())

    def some(self, index: int) -> int:
        return self.asked[-1 - index % len(self.asked)]

    def decide(self, decision: Coroutine[Any, Any, CreditRequest]) -> None:
        """Decisions may be refused; nothing else may go wrong."""

        async def attempt() -> None:
            try:
                await decision
            except DomainError:
                return

        self.do(attempt())

    @rule(subuser=st.sampled_from(SUBUSERS), change=st.sampled_from([1, 300, -1, -300, -5000]))
    def ask(self, subuser: str, change: int) -> None:
        async def ask() -> int:
            request = await self.running.ask(change, subuser)
            await self.running.check(request.id)
            return request.id

        self.asked.append(self.do(ask()))

    @precondition(lambda self: self.asked)
    @rule(index=INDEX, who=PEOPLE)
    def approve(self, index: int, who: str) -> None:
        self.decide(self.running.decisions.approve(self.some(index), who))

    @precondition(lambda self: self.asked)
    @rule(index=INDEX, who=st.permutations([ANN, BEN, CAT]))
    def approve_enough(self, index: int, who: list[str]) -> None:
        for person in who[: self.policy.tiers[0].approvals]:
            self.decide(self.running.decisions.approve(self.some(index), person))

    @precondition(lambda self: self.asked)
    @rule(index=INDEX, delivery=st.sampled_from(["click:1", "click:2", None]))
    def ask_again(self, index: int, delivery: str | None) -> None:
        """By whomever, and delivered as often as it pleases."""

        async def again() -> None:
            try:
                asked = await self.running.followers.ask_again(
                    self.some(index), requested_by=Actor(ASKER), delivery=Delivery(delivery, boottime())
                )
            except DomainError:
                return
            if asked is not None:
                await self.running.check(asked.id)
                self.asked.append(asked.id)

        self.do(again())

    @precondition(lambda self: self.asked)
    @rule(index=INDEX, who=PEOPLE)
    def deny(self, index: int, who: str) -> None:
        self.decide(self.running.decisions.deny(self.some(index), who, "no"))

    @precondition(lambda self: self.asked)
    @rule(index=INDEX, who=PEOPLE)
    def cancel(self, index: int, who: str) -> None:
        self.decide(self.running.decisions.cancel(self.some(index), who))

    @precondition(lambda self: self.asked)
    @rule(index=INDEX, fault=st.sampled_from(FAULTS))
    def apply(self, index: int, fault: Kind | None) -> None:
        if fault is not None:
            self.sandbox.faults.add(fault, method="PATCH")
        self.do(self.running.apply(self.some(index)))
        self.sandbox.faults.clear()

    @precondition(lambda self: self.asked)
    @rule(index=INDEX)
    def apply_in_two_processes(self, index: int) -> None:
        async def both() -> None:
            other = Bot(self.url, self.sandbox, self.clock, policy=self.policy, timeout=5.0)
            await asyncio.gather(self.running.apply(self.some(index)), other.apply(self.some(index)))
            await other.close()

        self.do(both())

    @precondition(lambda self: self.asked)
    @rule(index=INDEX, kind=st.sampled_from(["hang_before", "hang_after"]), recorded=st.booleans())
    def die_while_sending(self, index: int, kind: Kind, recorded: bool) -> None:
        """Stopped in the middle of a PATCH; or killed, so that not even that is written down."""

        async def die() -> None:
            self.sandbox.faults.add(kind, seconds=600)
            before = len(self.sandbox.calls)
            working = asyncio.ensure_future(self.running.apply(self.some(index)))
            hanging = asyncio.ensure_future(
                self.sandbox.until(lambda: any(call.fault == kind for call in self.sandbox.calls[before:]))
            )
            await asyncio.wait([working, hanging], return_when=asyncio.FIRST_COMPLETED)
            if not recorded:
                await self.running.database.close()
                self.running.apply._attempt._record = _killed  # type: ignore[assignment]  # dies here
            for task in (working, hanging):
                task.cancel()
            await asyncio.gather(working, hanging, return_exceptions=True)
            self.sandbox.faults.clear()
            await self.start_again()

        self.do(die())

    @rule()
    def restart(self) -> None:
        self.do(self.start_again())

    async def start_again(self) -> None:
        await self.running.close()
        self.bot = Bot(self.url, self.sandbox, self.clock, policy=self.policy, timeout=5.0)

    @precondition(lambda self: self.asked)
    @rule(index=INDEX, who=PEOPLE, applied=st.booleans())
    def settle_by_word(self, index: int, who: str, applied: bool) -> None:
        self.decide(
            self.running.settlements.settle(self.some(index), who, applied=applied, reason="I looked")
        )

    @rule(mails=st.sampled_from([0, 1, 400]), seconds=st.sampled_from([1, 20, 3700]))
    def time_passes(self, mails: int, seconds: int) -> None:
        """Mail flows, and the runner does whatever has come due."""
        self.clock.advance(seconds=seconds)
        for name in SUBUSERS:
            self.sandbox.account.send_mail(name, mails)
        self.do(self.running.work())

    def everything(self) -> list[CreditRequest]:
        async def read() -> list[CreditRequest]:
            async with self.running.database.read() as connection:
                return await requests.load_readable(connection, requests.ALL)

        found: list[CreditRequest] = self.do(read())
        return found

    @invariant()
    def the_chain_verifies(self) -> None:
        if self.bot is not None:
            self.do(self.running.assert_sound())

    @invariant()
    def every_way_is_one_that_the_rules_have(self) -> None:
        if self.bot is None:
            return
        for request in self.everything():
            reached = [event for event in self.do(self.running.events(request.id)) if event["to_status"]]
            assert reached[0]["to_status"] == Status.PENDING
            for before, after in pairwise(reached):
                assert after["from_status"] == before["to_status"]
                assert after["to_status"] in TRANSITIONS[Status(before["to_status"])]
            assert reached[-1]["to_status"] == request.status

    @invariant()
    def no_change_is_sent_twice(self) -> None:
        if self.bot is None:
            return

        async def attempts() -> list[tuple[int, str | None]]:
            async with self.running.database.read() as connection:
                query = select(tables.attempts.c.request_id, tables.attempts.c.outcome)
                return [(row.request_id, row.outcome) for row in await connection.execute(query)]

        found = self.do(attempts())
        may_have_counted = Counter(request for request, outcome in found if outcome in MAY_HAVE_COUNTED)
        assert max(may_have_counted.values(), default=0) <= 1
        for name in SUBUSERS:
            asked = Counter(
                request.allocation_update
                for request in self.everything()
                if request.subuser == name and request.id in may_have_counted
            )
            assert Counter(self.sandbox.account.applied(name)) <= asked

    @invariant()
    def what_failed_is_asked_for_again_at_most_once(self) -> None:
        if self.bot is None:
            return
        found = {request.id: request for request in self.everything()}
        followers = [request for request in found.values() if request.follows(RelationKind.AGAIN) is not None]
        for request in followers:
            failed = found[request.follows(RelationKind.AGAIN) or 0]
            assert (failed.status, failed.follower(RelationKind.AGAIN)) == (Status.FAILED, request.id)
            assert (failed.subuser, failed.allocation_update, failed.reason) == (
                request.subuser,
                request.allocation_update,
                request.reason,
            )

    @invariant()
    def one_change_of_a_subuser_is_under_way(self) -> None:
        if self.bot is not None:
            held = Counter(found.subuser for found in self.everything() if found.status in HOLDS_SUBUSER)
            assert max(held.values(), default=0) <= 1

    @invariant()
    def who_asked_is_told_of_every_end(self) -> None:
        if self.bot is None:
            return
        for request in self.everything():
            if request.status in FINAL:
                assert (ASKER, request.status) in self.do(self.running.notices_of(request.id))

    @invariant()
    def applied_is_shown_only_with_proof(self) -> None:
        """SendGrid's ledger has it, or a named person took it upon themselves."""
        if self.bot is None:
            return
        for name in SUBUSERS:
            shown = Counter(
                request.allocation_update
                for request in self.everything()
                if request.subuser == name and request.status is Status.APPLIED and not request.settled_by
            )
            assert shown <= Counter(self.sandbox.account.applied(name))

    @invariant()
    def failed_is_shown_only_of_what_was_not_applied(self) -> None:
        """Whatever SendGrid applied is applied, in doubt, being applied, or settled by a person."""
        if self.bot is None:
            return
        for name in SUBUSERS:
            accounted = Counter(
                request.allocation_update
                for request in self.everything()
                if request.subuser == name
                and (request.settled_by or request.status in {Status.APPLIED, *HOLDS_SUBUSER})
            )
            assert Counter(self.sandbox.account.applied(name)) <= accounted

    def teardown(self) -> None:
        async def end() -> None:
            if self.bot is not None:
                await self.bot.close()
                await self.sandbox.stop()

        self.do(end())
        self.runner.close()
        self.databases.close()


async def _killed(*_: object) -> None:
    """A process that was killed writes nothing down."""


def test_any_order_of_events_keeps_the_promise(empty_database: EmptyDatabase) -> None:
    Promise.empty_database = staticmethod(empty_database)
    machine = Promise.TestCase
    machine.settings = settings(
        max_examples=short_or_long(4, 12),
        stateful_step_count=25,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    machine().runTest()
