"""What SendGrid would know: a parent account, its subusers, and every change of credits that was applied."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from creditbot.sandbox.sendgrid.balance import Balance, Subuser
from creditbot.sandbox.sendgrid.changes import Changes

BelowZero = Literal["refuse", "clamp", "negative"]


class UpdateRefusedError(Exception):
    """An `allocation_update` that SendGrid doesn't apply; the text is the error message of the answer."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One applied `allocation_update`. `at` is in seconds since 1970."""

    seq: int
    at: float
    username: str
    allocation_update: int
    remain_before: int
    remain_after: int


class Account:
    """The state behind one or more sandbox servers. Use it on the thread of their event loop only.

    `below_zero` is what happens when more is removed than remains, which SendGrid doesn't document:
    "refuse" answers 400, "clamp" stops at zero, "negative" lets `remain` fall below zero.
    `used_is_computed` reports a recurring subuser's `used` as `total - remain` instead of counting mails;
    which of them SendGrid does isn't documented either.
    `oversell` is how many times the parent's plan its subusers may hold together: resellers are told of 2.5.
    What SendGrid answers beyond that isn't documented; the sandbox answers 400. None sets no limit.
    `burn_rates` holds mails per second by username, for a burn that a server runs.
    """

    def __init__(
        self,
        *,
        parent: Balance | None = None,
        below_zero: BelowZero = "refuse",
        used_is_computed: bool = False,
        oversell: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.parent = parent or Balance(
            remain=1_000_000, total=1_000_000, reset_frequency="monthly", overage_allowed=True
        )
        self.below_zero = below_zero
        self.used_is_computed = used_is_computed
        self.oversell = oversell
        self.ledger: list[LedgerEntry] = []
        self.burn_rates: dict[str, float] = {}
        self.changes = Changes()
        self._clock = clock
        self._subusers: dict[str, Subuser] = {}
        self._customers: dict[str, Balance] = {}
        self.parent.schedule(self._today())

    @property
    def subusers(self) -> list[Subuser]:
        """In the order in which they were added."""
        return list(self._subusers.values())

    def add_subuser(self, subuser: Subuser) -> Subuser:
        if subuser.username in self._subusers:
            raise ValueError(f"there is a subuser {subuser.username!r} already")
        subuser.id = subuser.id or 1000 + len(self._subusers)
        subuser.email = subuser.email or f"subuser-{subuser.id}@example.com"
        subuser.schedule(self._today())
        self._subusers[subuser.username] = subuser
        self.changes.publish("balance", subuser)
        return subuser

    def add_customer_account(self, account_id: str, balance: Balance) -> Balance:
        """Adds a customer account, read with the header `on-behalf-of: account-id <account_id>`."""
        if account_id in self._customers:
            raise ValueError(f"there is a customer account {account_id!r} already")
        balance.schedule(self._today())
        self._customers[account_id] = balance
        self.changes.publish("balance", balance)
        return balance

    def subuser(self, username: str) -> Subuser | None:
        """Compares exactly: whether SendGrid ignores case isn't documented."""
        return self._subusers.get(username)

    def customer_account(self, account_id: str) -> Balance | None:
        return self._customers.get(account_id)

    def send_mail(self, username: str, mails: int) -> int:
        """A subuser sends; returns how many mails went out, which the parent pays for too."""
        if mails < 0:
            raise ValueError("mails that were sent can't be unsent")
        subuser = self._known(username)
        sent = subuser.spend(mails)
        self.parent.spend(sent)
        self.changes.publish("balance", subuser)
        self.changes.publish("balance", self.parent)
        return sent

    def reset(self, username: str) -> None:
        """The scheduled reset of a recurring subuser; ValueError for the other types."""
        subuser = self._known(username)
        subuser.reset(self._today())
        self.changes.publish("balance", subuser)

    def apply(self, subuser: Subuser, allocation_update: int) -> LedgerEntry:
        """Applies a change of credits and records it; raises UpdateRefusedError if it doesn't count."""
        if subuser.type == "unlimited":
            raise UpdateRefusedError("credits of an unlimited subuser can not be updated")
        before = subuser.remain
        self._check_plan(allocation_update)
        subuser.remain = self._remain_after(before, allocation_update)
        subuser.added += subuser.remain - before
        entry = LedgerEntry(
            seq=len(self.ledger) + 1,
            at=self._clock(),
            username=subuser.username,
            allocation_update=allocation_update,
            remain_before=before,
            remain_after=subuser.remain,
        )
        self.ledger.append(entry)
        self.changes.publish("ledger", entry)
        self.changes.publish("balance", subuser)
        return entry

    def applied(self, username: str) -> list[int]:
        """Each `allocation_update` applied to a subuser, oldest first."""
        return [entry.allocation_update for entry in self.ledger if entry.username == username]

    def _check_plan(self, allocation_update: int) -> None:
        if self.oversell is None or allocation_update <= 0:
            return
        held = sum(subuser.remain for subuser in self.subusers if subuser.type != "unlimited")
        if held + allocation_update > self.oversell * self.parent.total:
            raise UpdateRefusedError("allocation_update exceeds the credits of the parent account")

    def _remain_after(self, remain: int, allocation_update: int) -> int:
        after = remain + allocation_update
        if allocation_update >= 0 or after >= 0 or self.below_zero == "negative":
            return after
        if self.below_zero == "clamp":
            return min(remain, 0)
        raise UpdateRefusedError("allocation_update exceeds the remaining credits")

    def _known(self, username: str) -> Subuser:
        subuser = self.subuser(username)
        if subuser is None:
            raise ValueError(f"there is no subuser {username!r}")
        return subuser

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock(), UTC).date()
