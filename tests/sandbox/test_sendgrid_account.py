"""The account behind the sandbox: mail, resets and the ledger, without any server."""

from datetime import date

import pytest

from creditbot.sandbox.sendgrid import Account, Balance, Change, Subuser
from creditbot.sandbox.sendgrid.account import UpdateRefusedError
from creditbot.sandbox.sendgrid.balance import ResetFrequency, following_reset
from creditbot.sandbox.sendgrid.burn import Burn

NOON_OF_2025_01_31 = 1738324800.0


@pytest.fixture
def account() -> Account:
    return Account(
        parent=Balance(remain=100, total=100, reset_frequency="monthly", overage_allowed=True),
        clock=lambda: NOON_OF_2025_01_31,
    )


def test_mail_lowers_the_balances_of_the_subuser_and_of_the_parent(account: Account) -> None:
    acme = account.add_subuser(Subuser("acme", type="recurring", remain=50, total=50))

    assert account.send_mail("acme", 20) == 20

    assert (acme.remain, acme.used, acme.overage) == (30, 20, 0)
    assert (account.parent.remain, account.parent.used) == (80, 20)


def test_a_subuser_without_overage_sends_no_more_than_it_has(account: Account) -> None:
    acme = account.add_subuser(Subuser("acme", type="nonrecurring", remain=5))

    assert account.send_mail("acme", 20) == 5

    assert (acme.remain, acme.used, acme.overage) == (0, 5, 0)
    assert account.parent.remain == 95


def test_overage_is_counted_where_the_plan_allows_it(account: Account) -> None:
    acme = account.add_subuser(Subuser("acme", type="recurring", remain=5, total=5, overage_allowed=True))

    assert account.send_mail("acme", 120) == 120

    assert (acme.remain, acme.used, acme.overage) == (0, 120, 115)
    assert (account.parent.remain, account.parent.overage) == (0, 20)


def test_a_balance_below_zero_is_not_lowered_by_mail(account: Account) -> None:
    acme = account.add_subuser(Subuser("acme", type="nonrecurring", remain=-5))

    assert account.send_mail("acme", 3) == 0
    assert acme.remain == -5


def test_an_unlimited_subuser_sends_everything_and_a_disabled_one_nothing(account: Account) -> None:
    account.add_subuser(Subuser("big"))
    account.add_subuser(Subuser("off", disabled=True))

    assert account.send_mail("big", 60) == 60
    assert account.send_mail("off", 60) == 0


def test_mail_can_not_be_unsent(account: Account) -> None:
    account.add_subuser(Subuser("acme"))

    with pytest.raises(ValueError, match="unsent"):
        account.send_mail("acme", -1)


def test_a_reset_gives_the_total_anew_and_forgets_what_was_added(account: Account) -> None:
    acme = account.add_subuser(
        Subuser("acme", type="recurring", remain=10, total=50, used=40, last_reset=date(2024, 12, 31))
    )
    account.apply(acme, 500)

    account.reset("acme")

    assert (acme.remain, acme.total, acme.used, acme.overage) == (50, 50, 0, 0)
    assert (acme.last_reset, acme.next_reset) == (date(2025, 1, 31), date(2025, 2, 28))


def test_only_recurring_subusers_are_reset(account: Account) -> None:
    account.add_subuser(Subuser("acme", type="nonrecurring", remain=10))

    with pytest.raises(ValueError, match="schedule"):
        account.reset("acme")


@pytest.mark.parametrize(
    ("day", "frequency", "expected"),
    [
        (date(2013, 1, 1), "monthly", date(2013, 2, 1)),
        (date(2013, 12, 15), "monthly", date(2014, 1, 15)),
        (date(2024, 1, 31), "monthly", date(2024, 2, 29)),
        (date(2013, 12, 30), "weekly", date(2014, 1, 6)),
        (date(2013, 12, 31), "daily", date(2014, 1, 1)),
    ],
)
def test_resets_follow_the_calendar(day: date, frequency: ResetFrequency, expected: date) -> None:
    assert following_reset(day, frequency) == expected


def test_the_ledger_holds_each_applied_update_in_order(account: Account) -> None:
    acme = account.add_subuser(Subuser("acme", type="nonrecurring", remain=10))
    other = account.add_subuser(Subuser("other", type="nonrecurring", remain=10))

    account.apply(acme, 5)
    account.apply(other, 7)
    account.apply(acme, -15)

    assert account.applied("acme") == [5, -15]
    assert [entry.seq for entry in account.ledger] == [1, 2, 3]
    last = account.ledger[-1]
    assert (last.username, last.remain_before, last.remain_after) == ("acme", 15, 0)
    assert last.at == NOON_OF_2025_01_31


def test_what_is_refused_is_not_in_the_ledger(account: Account) -> None:
    acme = account.add_subuser(Subuser("acme", type="nonrecurring", remain=10))
    unlimited = account.add_subuser(Subuser("unlimited"))

    for subuser in (acme, unlimited):
        with pytest.raises(UpdateRefusedError):
            account.apply(subuser, -11)

    assert account.ledger == []
    assert acme.remain == 10


def test_clamping_never_raises_a_balance_that_is_below_zero_already(account: Account) -> None:
    account.below_zero = "clamp"
    acme = account.add_subuser(Subuser("acme", type="nonrecurring", remain=-5))

    assert account.apply(acme, -1).remain_after == -5


def test_names_are_unique(account: Account) -> None:
    account.add_subuser(Subuser("acme"))
    account.add_customer_account("1", Balance())

    with pytest.raises(ValueError, match="already"):
        account.add_subuser(Subuser("acme"))
    with pytest.raises(ValueError, match="already"):
        account.add_customer_account("1", Balance())
    with pytest.raises(ValueError, match="no subuser"):
        account.send_mail("acme2", 1)


def test_only_recurring_subusers_have_a_reset_frequency() -> None:
    assert Subuser("acme", type="recurring").reset_frequency == "monthly"
    with pytest.raises(ValueError, match="reset_frequency"):
        Subuser("acme", type="nonrecurring", reset_frequency="daily")


def test_listeners_hear_of_balances_and_of_the_ledger_until_they_leave(account: Account) -> None:
    heard: list[Change] = []
    leave = account.changes.subscribe(heard.append)

    acme = account.add_subuser(Subuser("acme", type="nonrecurring", remain=10))
    entry = account.apply(acme, 1)
    leave()
    account.send_mail("acme", 1)

    assert heard == [Change("balance", acme), Change("ledger", entry), Change("balance", acme)]


def test_burning_keeps_parts_of_a_mail_for_later(account: Account) -> None:
    acme = account.add_subuser(Subuser("acme", type="nonrecurring", remain=10))
    account.burn_rates["acme"] = 2.5
    burn = Burn(account)

    burn.step(1)
    assert acme.remain == 8
    burn.step(1)
    assert acme.remain == 5


def test_no_more_remains_than_the_total_after_a_top_up_and_a_reset_takes_it_back(account: Account) -> None:
    acme = account.add_subuser(Subuser("acme", type="recurring", remain=50, total=50))
    account.apply(acme, 70)
    assert (acme.remain, acme.granted) == (120, 120)
    account.apply(acme, -100)
    assert (acme.remain, acme.granted) == (20, 20)
    account.reset("acme")
    assert (acme.remain, acme.granted) == (50, 50)


def test_subusers_hold_no_more_together_than_the_plan_lets_them(account: Account) -> None:
    account.oversell = 2.5
    acme = account.add_subuser(Subuser("acme", type="nonrecurring", remain=100))
    globex = account.add_subuser(Subuser("globex", type="nonrecurring"))
    account.apply(globex, 150)
    with pytest.raises(UpdateRefusedError, match="exceeds the credits of the parent"):
        account.apply(acme, 1)
    account.apply(acme, -1)
    account.apply(acme, 1)
