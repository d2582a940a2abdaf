"""What a balance read after an unclear PATCH proves.

Mail flows all the time, so between two readings `remain` only falls by itself. A rise can only come
from the change (or from a reset, or from someone else's change, which is why a reset voids the proof).
`total = remain + used` proves nothing: SendGrid may compute one from the others.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from .credits import NONRECURRING, RECURRING, SubuserCredits, day_of
from .requests import BalanceCheck
from .text import count, number, signed, span


class Verdict(StrEnum):
    """What may be concluded."""

    APPLIED = "applied"
    NOT_APPLIED = "not_applied"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a subuser's credits: `type`, `remain`, and the date of the last reset if known."""

    type: str | None
    remain: int | None
    last_reset: str | None


def read_together(first: SubuserCredits, last_reset: str | None, again: SubuserCredits) -> Reading:
    """Credits with the date of the last reset that was read between two readings of them.

    A balance that rose meanwhile may have been reset, so the date may belong to either: it is not known.
    """
    rose = first.remain is None or again.remain is None or again.remain > first.remain
    same = first.type == again.type and not rose
    return Reading(again.type, again.remain, last_reset if same else None)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """A verdict and the arithmetic behind it, in words for the record.

    `used_since` is how many credits were used between the readings if the change was not applied, and with
    the change on top if it was; None if that can't be told, or is settled.
    """

    verdict: Verdict
    arithmetic: str
    used_since: int | None = None


def conclude(allocation_update: int, before: Reading, after: Reading) -> Conclusion:
    """Compare two readings around an unclear PATCH of `allocation_update`."""
    if before.remain is None or after.remain is None:
        return Conclusion(Verdict.UNKNOWN, "SendGrid did not report both balances, so they prove nothing.")
    seen = (
        f"Balance before sending: {number(before.remain)}. Balance afterwards: {number(after.remain)}. "
        f"Requested change: {signed(allocation_update)}."
    )
    if before.type != after.type:
        return Conclusion(Verdict.UNKNOWN, f"{seen} The kind of credits changed in between.")
    if not no_reset_between(before, after):
        return Conclusion(Verdict.UNKNOWN, f"{seen} The credits may have been reset in between.")
    if before.remain + allocation_update < 0:
        return Conclusion(Verdict.UNKNOWN, f"{seen} What SendGrid does below zero is not known.")
    if after.remain > max(before.remain, before.remain + allocation_update):
        return Conclusion(
            Verdict.UNKNOWN, f"{seen} It rose by more than that, so someone else changed it, too."
        )
    if allocation_update > 0 and after.remain > before.remain:
        return Conclusion(Verdict.APPLIED, f"{seen} A balance rises only if credits are added.")
    if allocation_update < 0 and after.remain > before.remain + allocation_update:
        return Conclusion(
            Verdict.NOT_APPLIED,
            f"{seen} Had they been removed, "
            f"at most {number(before.remain + allocation_update)} would be left.",
        )
    either_way = f"{seen} Mail sent in between could explain this in either case."
    if allocation_update < 0 and after.remain <= 0:
        # SendGrid may stop at zero, and then the figures no longer tell how much was used.
        return Conclusion(Verdict.UNKNOWN, either_way)
    used = before.remain - after.remain
    either_way += (
        f" Used since: {number(used)} if it was not applied, {number(used + allocation_update)} if it was."
    )
    return Conclusion(Verdict.UNKNOWN, either_way, used)


def confirm(found: Conclusion, first: int | None, second: int | None) -> Conclusion:
    """What is left of `found`, which `second` says, after a first reading by which a removal was not applied.

    SendGrid may work a change off long after the call has failed, so the first alone proves nothing; and a
    balance that rose between the two may hide that the change came in between. Both are compared with the
    reading before the call by `conclude`, so neither a reset nor another kind of credits lies between them.
    """
    if found.verdict is not Verdict.NOT_APPLIED:
        return found
    if first is None or second is None or second > first:
        rose = "It rose after the reading before that, so someone else changed it, too."
        return Conclusion(Verdict.UNKNOWN, f"{found.arithmetic} {rose}")
    return found


def use_before(check: BalanceCheck | None, before: Reading, at: datetime) -> int | None:
    """How many credits were used between the check of a request and the reading before it was sent, at `at`.

    It helps a person to judge which of two uses since then is the likely one. None if it is not known.
    """
    if check is None or check.remain is None or before.remain is None:
        return None
    if check.type != before.type or before.remain > check.remain or not _no_reset_until(check, at):
        return None
    if at - check.at < timedelta(seconds=1):
        return None
    return check.remain - before.remain


def use_in_words(used: int, during: timedelta) -> str:
    """In the 41 minutes before it was sent, 100 credits were used."""
    credits_ = f"{count(used, 'credit') if used else 'no credits'} {'was' if used == 1 else 'were'} used"
    return f"In the {span(during)} before it was sent, {credits_}."


def _no_reset_until(check: BalanceCheck, at: datetime) -> bool:
    """True only if the next reset is known to be on a later day, or the kind has none."""
    if check.type != RECURRING:
        return check.type == NONRECURRING
    day = day_of(check.next_reset)
    return day is not None and at < day


def no_reset_between(before: Reading, after: Reading) -> bool:
    """True only if a reset is excluded: the kind has none, or its date is known and the same."""
    if before.last_reset != after.last_reset:
        return False
    return before.type == NONRECURRING or (before.type == RECURRING and before.last_reset is not None)
