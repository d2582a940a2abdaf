"""The tables of `policy.toml` and their keys, and the policy that they make."""

from datetime import time, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from creditbot.domain.policy import Direction, Limits, Policy, QuietHours, Reminders, Route, Tier
from creditbot.domain.who import NOBODY

from .policy_values import (
    Anybody,
    ChannelId,
    Credits,
    Listed,
    Patterns,
    People,
    Somebody,
    Span,
    TimeOfDay,
    TimeOrOff,
    Zone,
)

MOST_APPROVALS = 10


class Table(BaseModel):
    """A table of the file; a key that it does not have is a fault, not a thing to pass over."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, frozen=True, defer_build=True)


class WhoTable(Table):
    may_ask: Anybody
    may_see: Anybody


class LimitsTable(Table):
    per_request: Credits | None = None
    per_requester_24h: Credits | None = None
    per_subuser_24h: Credits | None = None
    in_all_24h: Credits | None = None
    floor: Annotated[int, Field(strict=True, ge=0, le=10**15)] = 0


class QuietTable(Table):
    start: TimeOfDay
    end: TimeOfDay

    @model_validator(mode="after")
    def _not_always(self) -> Self:
        if self.start == self.end:
            raise ValueError("start and end are the same, so nobody could ever be reminded")
        return self


class RemindersTable(Table):
    after: Annotated[tuple[Span, ...], Field(max_length=10)] = ()
    quiet: QuietTable | None = None
    escalate_after: Span | None = None
    escalate_to: Listed = NOBODY

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.escalate_after is None) != self.escalate_to.nobody:
            raise ValueError("escalate_after and escalate_to belong together: set both, or neither")
        return self


class BreakGlassTable(Table):
    people: People


class ChannelTable(Table):
    subusers: Patterns
    channel: ChannelId


class TierTable(Table):
    name: Annotated[str, Field(strict=True, min_length=1, max_length=40)]
    approvers: Somebody
    approvals: Annotated[int, Field(strict=True, ge=1, le=MOST_APPROVALS)] = 1
    including: Somebody | None = None
    subusers: Patterns = ("*",)
    direction: Literal["add", "remove", "both"] = "both"
    above: Annotated[int, Field(strict=True, ge=0, le=10**15)] = 0
    up_to: Credits | None = None
    expiry: Span | None = None
    floor: Annotated[int, Field(strict=True, ge=0, le=10**15)] | None = None

    @model_validator(mode="after")
    def _some_amount(self) -> Self:
        if self.up_to is not None and self.up_to <= self.above:
            raise ValueError("up_to is not more than above, so no amount could ever fit")
        return self

    def tier(self) -> Tier:
        return Tier(
            name=self.name,
            approvers=self.approvers,
            approvals=self.approvals,
            including=self.including,
            subusers=self.subusers,
            direction=Direction(self.direction),
            above=self.above,
            up_to=self.up_to,
            expiry=self.expiry,
            floor=self.floor,
        )


class PolicyTable(Table):
    who: WhoTable
    tiers: Annotated[tuple[TierTable, ...], Field(min_length=1, max_length=100)]
    expiry: Span = timedelta(hours=24)
    timezone: Zone = "UTC"
    digest: TimeOrOff = time(9)
    drift: TimeOrOff = time(8)
    limits: LimitsTable = LimitsTable()
    reminders: RemindersTable = RemindersTable()
    break_glass: BreakGlassTable | None = None
    channels: tuple[ChannelTable, ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [tier.name for tier in self.tiers]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"two tiers are called {', '.join(sorted(twice))}: give each a name of its own")
        return self

    def policy(self) -> Policy:
        quiet = self.reminders.quiet
        return Policy(
            tiers=tuple(table.tier() for table in self.tiers),
            may_ask=self.who.may_ask,
            may_see=self.who.may_see,
            expiry=self.expiry,
            limits=Limits(**self.limits.model_dump()),
            reminders=Reminders(
                after=tuple(sorted(self.reminders.after)),
                quiet=None if quiet is None else QuietHours(quiet.start, quiet.end),
                escalate_after=self.reminders.escalate_after,
                escalate_to=self.reminders.escalate_to,
            ),
            break_glass=NOBODY if self.break_glass is None else self.break_glass.people,
            routes=tuple(Route(table.subusers, table.channel) for table in self.channels),
            timezone=self.timezone,
            digest=self.digest,
            drift=self.drift,
        )


TABLES: dict[str, type[Table]] = {
    "who": WhoTable,
    "limits": LimitsTable,
    "reminders": RemindersTable,
    "quiet": QuietTable,
    "break_glass": BreakGlassTable,
    "channels": ChannelTable,
    "tiers": TierTable,
}
