"""When those who have not decided are reminded, and when others may decide too."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from .policy import Policy, QuietHours
from .requests import CreditRequest, Status

ESCALATED = "escalated"
REMINDER = "reminder_"

NO_CARD, OLD_CARD = "no_card", "old_card"
ABOUT_CARDS = frozenset({NO_CARD, OLD_CARD})
"""What a requester is told whose card can't be posted, or not be brought up to date."""

UNTOLD = "untold_"
"""What a channel is told of a person who can't be told; their ID follows."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a waiting request finds: how many of the policy's reminders are over, whether those to
    whom it is escalated are to be told, and when there is something to look for again.
    """

    reminders: int
    tell_backup: bool
    next: datetime | None


def look(policy: Policy, requested_at: datetime, now: datetime) -> Look:
    """Count what is over by `now`. In quiet hours nothing becomes due; it does at their end."""
    reminders = policy.reminders
    due = [after_quiet_hours(policy, requested_at + after) for after in reminders.after]
    decide_from = None if reminders.escalate_after is None else requested_at + reminders.escalate_after
    tell_from = None if decide_from is None else after_quiet_hours(policy, decide_from)
    awake = after_quiet_hours(policy, now)
    if awake > now:
        coming = [decide_from, awake]
        over, tell = 0, False
    else:
        coming = [*due, decide_from, tell_from]
        over, tell = sum(moment <= now for moment in due), tell_from is not None and tell_from <= now
    return Look(over, tell, min((moment for moment in coming if moment and moment > now), default=None))


def reminder_kind(policy: Policy, number: int) -> str:
    """The kind of the notices of the policy's first, second, … reminder.

    It names the moment, not the number: of the same moment nobody is told twice, whatever the policy is by
    then, and of another moment everyone is told.
    """
    after = sorted(policy.reminders.after)[number - 1]
    return f"{REMINDER}{after // timedelta(minutes=1)}m"


def over_since(policy: Policy, requested_at: datetime, reminded_at: datetime | None) -> int:
    """How many of a new policy's reminders are over if all were reminded last at `reminded_at`."""
    moments = (requested_at + after for after in policy.reminders.after)
    return 0 if reminded_at is None else sum(moment <= reminded_at for moment in moments)


def after_quiet_hours(policy: Policy, moment: datetime) -> datetime:
    """The moment itself, or the end of the quiet hours in which it falls, in the policy's time zone.

    Where clocks are put back, quiet hours go from the first time that they show the start to the last that
    they show the end: nobody is woken in between.
    """
    quiet = policy.reminders.quiet
    if quiet is None or quiet.start == quiet.end:
        return moment
    zone = ZoneInfo(policy.timezone)
    today = moment.astimezone(zone).date()
    # Those that began the day before may last until now; where clocks are put back at midnight, those of
    # the next day may have begun.
    for day in (today + timedelta(days=days) for days in (-1, 0, 1)):
        end = _end(quiet, day, zone)
        if _has_begun(quiet, day, zone, moment) and moment < end:
            moment = end
    return moment


def _has_begun(quiet: QuietHours, day: date, zone: ZoneInfo, moment: datetime) -> bool:
    """Whether the clocks have shown the start, or a time that they skipped it for."""
    start = datetime.combine(day, quiet.start)
    shown = moment.astimezone(zone).replace(tzinfo=None)
    return shown >= start or moment >= start.replace(tzinfo=zone).astimezone(UTC)


def _end(quiet: QuietHours, day: date, zone: ZoneInfo) -> datetime:
    """The last time that the clocks show the end of the quiet hours which begin on that day."""
    end = datetime.combine(day + timedelta(days=int(quiet.start > quiet.end)), quiet.end, zone)
    return max(end.replace(fold=fold).astimezone(UTC) for fold in (0, 1))


def asks(kind: str) -> bool:
    """Whether a notice of this kind asks for a decision about a request that waits."""
    return kind == ESCALATED or kind.startswith(REMINDER)


def is_moot(kind: str, person: str, request: CreditRequest, now: datetime) -> bool:
    """Whether a notice of this kind asks for a decision that this person has not to make any more."""
    over = request.status is not Status.PENDING or now >= request.expires_at
    return asks(kind) and (over or request.approved_by(person))


def not_before(kind: str, policy: Policy, now: datetime) -> datetime:
    """When a notice that is due now may be sent: what asks for a decision, not in quiet hours."""
    return after_quiet_hours(policy, now) if asks(kind) else now
