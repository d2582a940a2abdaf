"""When those who have not decided are reminded, and when others may decide too."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from .policy import Policy
from .requests import CreditRequest, Status

ESCALATED = "escalated"
REMINDER = "reminder_"


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
    """The moment itself, or the end of the quiet hours in which it falls, in the policy's time zone."""
    quiet = policy.reminders.quiet
    if quiet is None:
        return moment
    local = moment.astimezone(ZoneInfo(policy.timezone))
    at = local.time()
    past_midnight = quiet.start > quiet.end
    is_quiet = at >= quiet.start or at < quiet.end if past_midnight else quiet.start <= at < quiet.end
    if not is_quiet:
        return moment
    ends_on = local.date() + timedelta(days=int(past_midnight and at >= quiet.start))
    return max(moment, datetime.combine(ends_on, quiet.end, local.tzinfo).astimezone(UTC))


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
