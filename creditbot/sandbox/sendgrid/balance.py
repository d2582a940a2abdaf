"""Credits of one account, and when they are given anew."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

ResetFrequency = Literal["monthly", "weekly", "daily"]
SubuserType = Literal["unlimited", "recurring", "nonrecurring"]
Region = Literal["global", "eu"]


def following_reset(day: date, frequency: ResetFrequency) -> date:
    """The reset after the one on `day`; a month that is too short resets on its last day."""
    if frequency == "daily":
        return day + timedelta(days=1)
    if frequency == "weekly":
        return day + timedelta(days=7)
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


@dataclass(kw_only=True)
class Balance:
    """Credits of the parent, of a customer account or of a subuser, in mails.

    `total` is what a reset gives, and `added` what was added or removed since then. `granted`, their sum, is
    what answers call "total": no balance remains that is larger than its total. That SendGrid counts it so is
    assumed. `granted` need not be `remain + used` either: SendGrid doesn't promise it, so the sandbox keeps
    them apart.
    """

    remain: int = 0
    total: int = 0
    added: int = 0
    used: int = 0
    overage: int = 0
    reset_frequency: ResetFrequency | None = None
    last_reset: date | None = None
    next_reset: date | None = None
    overage_allowed: bool = False

    @property
    def granted(self) -> int:
        """The total as SendGrid reports it."""
        return max(self.total + self.added, 0)

    def schedule(self, today: date) -> None:
        """Fills in the dates that the caller left open."""
        self.last_reset = self.last_reset or today
        if self.next_reset is None and self.reset_frequency is not None:
            self.next_reset = following_reset(self.last_reset, self.reset_frequency)

    def reset(self, today: date) -> None:
        """Gives `total` credits anew; whatever was added or removed since the last reset is gone."""
        if self.reset_frequency is None:
            raise ValueError("only a balance with a reset_frequency is reset on a schedule")
        self.remain, self.added, self.used, self.overage = self.total, 0, 0, 0
        self.last_reset = today
        self.next_reset = following_reset(today, self.reset_frequency)

    def spend(self, mails: int) -> int:
        """Takes credits for `mails` and returns how many of them were sent.

        `remain` stops at zero. Mail beyond it is overage if the plan allows that, else it isn't sent.
        """
        covered = min(mails, max(self.remain, 0))
        sent = mails if self.overage_allowed else covered
        self.remain -= covered
        self.used += sent
        self.overage += sent - covered
        return sent


@dataclass
class Subuser(Balance):
    """A subuser. New ones are unlimited, as at SendGrid; then `remain` and `total` mean nothing.

    `report_nulls` says what `GET /v3/user/credits` shows for values that don't exist (the balance of an
    unlimited subuser, the next reset of one that never resets): null, or else 0 and the empty string.
    The documentation promises integers and strings; what the live service does isn't known.
    `email` and `id` are filled in by `Account.add_subuser` unless given.
    """

    username: str
    type: SubuserType = "unlimited"
    region: Region = "global"
    email: str = ""
    id: int = 0
    disabled: bool = False
    report_nulls: bool = True

    def __post_init__(self) -> None:
        if self.type == "recurring":
            self.reset_frequency = self.reset_frequency or "monthly"
        elif self.reset_frequency is not None:
            raise ValueError(f"a subuser of type {self.type} has no reset_frequency")

    def spend(self, mails: int) -> int:
        if self.disabled:
            return 0
        if self.type == "unlimited":
            self.used += mails
            return mails
        return super().spend(mails)
