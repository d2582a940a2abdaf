"""A subuser that SendGrid does not know is said in the form, as long as there is time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from creditbot.domain.policy import Policy
from creditbot.domain.who import Actor, Who
from creditbot.elapsed import boottime
from creditbot.operations import Delivery, Names
from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser
from creditbot.sandbox.sendgrid.faults import Kind

from .adapters import ASKER, POLICY, Bot

LONG, NONE_LEFT = timedelta(minutes=1), timedelta(seconds=-1)


def names(bot: Bot, policy: Policy = POLICY, within: timedelta = LONG) -> Names:
    return Names(bot.database, bot.sendgrid, policy, bot.directory, within=within)


def delivery(origin: str | None = "form:V1") -> Delivery:
    return Delivery(origin, boottime(), ack_is_answer=True)


async def test_an_unknown_subuser_is_said_with_the_names_that_come_near(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    sandbox.account.add_subuser(Subuser("brand-07", "nonrecurring", remain=5))
    for name, near in (("Brand-7", "`brand-07`"), ("acmee", "`acme`")):
        sentence = await names(bot).unknown(name, Actor(ASKER), delivery())
        assert sentence is not None
        assert sentence.startswith(f"SendGrid has no subuser `{name}`. Did you mean {near}")
    assert await names(bot).unknown("acme", Actor(ASKER), delivery()) is None


@pytest.mark.parametrize(
    ("kind", "within"),
    [
        ("hang_before", timedelta(milliseconds=50)),
        ("status_before", LONG),
        ("rate_limit", LONG),
    ],
)
async def test_a_sendgrid_that_is_slow_or_fails_keeps_no_form_waiting(
    bot: Bot, sandbox: SendGridSandbox, kind: Kind, within: timedelta
) -> None:
    sandbox.faults.add(kind, method="GET")
    assert await names(bot, within=within).unknown("nobody", Actor(ASKER), delivery()) is None


async def test_who_may_not_ask_is_told_nothing_and_sendgrid_is_not_asked(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    policy = replace(POLICY, may_ask=Who.of(["U9OTHER"]))
    assert await names(bot, policy).unknown("nobody", Actor(ASKER), delivery()) is None
    assert sandbox.calls == []


async def test_a_form_that_was_taken_stays_so_whatever_sendgrid_says_when_it_comes_again(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    await bot.ask(subuser="nobody", origin="form:V1")
    assert await names(bot).unknown("nobody", Actor(ASKER), delivery("form:V1")) is None
    assert sandbox.calls == []
    assert await names(bot).unknown("nobody", Actor(ASKER), delivery("form:V2")) is not None


async def test_without_time_left_nothing_is_looked_up(bot: Bot) -> None:
    assert await names(bot, within=NONE_LEFT).unknown("nobody", Actor(ASKER), delivery()) is None
