"""Reading `policy.toml`: each fault is a line that names where it is and what to write instead."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import time, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from creditbot.config import ConfigError, PolicySettings
from creditbot.domain.fields import no_name_fits
from creditbot.domain.policy import (
    Direction,
    Limits,
    Policy,
    QuietHours,
    Reminders,
    Route,
    Tier,
)
from creditbot.domain.who import ANYONE, NOBODY, Who

DEFAULT_PATH = Path("policy.toml")

MOST_APPROVALS = 10

NO_ZONES = (
    "This machine has no time-zone data, which the daily digest and the quiet hours need. Install the "
    "Python package tzdata, which is in requirements.lock."
)

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def policy_of(settings: PolicySettings) -> Policy:
    """The policy that holds: the file's if there is one, else that of the list of approvers.

    Raises:
        ConfigError: the file is named and not there, can't be read, or says something that can't be meant; or
            this machine can't tell the time of day anywhere.
    """
    if not _is_zone("UTC"):
        raise ConfigError([NO_ZONES])
    if settings.policy_path is None and not _is_there(DEFAULT_PATH):
        return Policy.one_tier(settings.approvers)
    return load(Path(settings.policy_path or DEFAULT_PATH))


def _is_there(path: Path) -> bool:
    """Whether anything has this name, also a folder, or a link to nowhere, such as a mount that failed.

    Who has put it there means to have a policy, so what can't be looked at counts as there, too.
    """
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def load(path: Path) -> Policy:
    """Read one file.

    Raises:
        ConfigError: one line for each fault.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors on Windows put a mark before it
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: it can't be read: it must be a text file in UTF-8."]) from None
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ConfigError(
            [f"CREDITBOT_POLICY: {path} can't be read ({why}). Make it a file that creditbot may read."]
        ) from None
    return parse(text, path.name)


def parse(text: str, name: str = "policy.toml") -> Policy:
    """Read a policy's text; `name` stands before each fault.

    Raises:
        ConfigError: one line for each fault.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{name}: it is not TOML: {error}."]) from None
    try:
        return PolicyTable.model_validate(found).policy()
    except ValidationError as error:
        faults = sorted((line_of(text, fault["loc"]), _sentence(fault)) for fault in _own(error.errors()))
        raise ConfigError([f"{name}, line {line}: {sentence}" for line, sentence in faults]) from None


def _own(faults: Sequence[Any]) -> list[Any]:
    """Without those that only follow: a list counts as too short if all that is in it is faulty."""
    inner = {fault["loc"][:end] for fault in faults for end in range(len(fault["loc"]))}
    return [fault for fault in faults if fault["type"] != "too_short" or fault["loc"] not in inner]


def line_of(text: str, place: tuple[int | str, ...]) -> int:
    """The line in which the statement about `place` begins; of a missing key, the table that lacks it.

    TOML's readers keep no lines. But a file that is cut after a whole statement is a file as well, so the
    shortest beginning that has the place ends with its statement.
    """
    whole = 0  # lines in the longest beginning so far that can be read
    lines = text.splitlines()
    found = 1
    for number in range(1, len(lines) + 1):
        try:
            read = tomllib.loads("\n".join(lines[:number]))
        except tomllib.TOMLDecodeError:
            continue
        deeper = _depth(read, place)
        if deeper > _depth(tomllib.loads("\n".join(lines[:whole])), place):
            found = _first_statement(lines, whole, number)
            if deeper == len(place):
                return found
        whole = number
    return found


def _depth(read: Any, place: tuple[int | str, ...]) -> int:
    """How many steps of the place there are."""
    for taken, step in enumerate(place):
        in_table = isinstance(read, Mapping) and step in read
        in_list = isinstance(read, list) and isinstance(step, int) and step < len(read)
        if not (in_table or in_list):
            return taken
        read = read[step]
    return len(place)


def _first_statement(lines: list[str], start: int, end: int) -> int:
    for number in range(start, end):
        content = lines[number].strip()
        if content and not content.startswith("#"):
            return number + 1
    return end


def _who(value: object) -> object:
    if value == "anyone":
        return ANYONE
    if isinstance(value, list) and "anyone" in value:  # and those of other workspaces who are listed
        return ANYONE | Who.of(_identifiers([identifier for identifier in value if identifier != "anyone"]))
    return _named(value, 'write "anyone", or list user IDs and user-group IDs')


def _listed(value: object) -> object:
    return _named(value, "list user IDs and user-group IDs, or leave it out, and escalate_after with it")


def _somebody(value: object) -> object:
    return _named(value, "nobody could approve; list user IDs and user-group IDs")


def _named(value: object, instead: str) -> Who:
    """A list that is not empty: an empty one could be taken for everyone."""
    identifiers = _identifiers(value)
    if not identifiers:
        raise ValueError(f"names nobody: {instead}")
    return Who.of(identifiers)


def _identifiers(value: object) -> list[str]:
    if not isinstance(value, list):
        # Not a TypeError: pydantic takes ValueErrors for faults of the file.
        raise ValueError('is not a list of Slack IDs, such as ["U0123ABCD", "S0123ABCD"]')  # noqa: TRY004
    for place, identifier in enumerate(value, 1):
        if not isinstance(identifier, str) or not re.fullmatch(r"[UWS][A-Za-z0-9_-]+", identifier):
            raise ValueError(
                f"entry {place} is not a Slack ID: list user IDs (U0123ABCD) and user-group IDs (S0123ABCD)"
            )
    return value


def _people(value: object) -> object:
    who = _named(value, "list user IDs, or leave the table out")
    if who.groups:
        raise ValueError("names a user group: name the people themselves here, by user IDs (U0123ABCD)")
    return who


def _span(value: object) -> object:
    found = re.fullmatch(r"(\d{1,5})([mhd])", value.strip()) if isinstance(value, str) else None
    if found is None or int(found[1]) == 0:
        raise ValueError('is not a length of time, such as "30m", "4h" or "2d"')
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def _time_of_day(value: object) -> object:
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError('is not a time of day, such as "09:00"')
    return time(int(found[1]), int(found[2]))


def _time_or_off(value: object) -> object:
    return None if value == "off" else _time_of_day(value)


def _zone(value: object) -> object:
    if not _is_zone(str(value)):
        raise ValueError('is not a time zone, such as "Europe/Berlin" or "UTC"')
    return value


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return False
    return True


def _pattern(value: object) -> object:
    if not isinstance(value, str) or not value.strip() or len(value) > 128:
        raise ValueError('is not a pattern for names, such as "acme" or "acme-*"')
    if no_name_fits(value):
        raise ValueError(
            "is a pattern that matches no subuser: names have no space, slash or invisible character, and "
            "don't begin with @, # or account-id:"
        )
    return value


def _channel(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"[CG][A-Za-z0-9_-]+", value):
        raise ValueError("is not a channel's ID, which looks like C0123ABCD")
    return value


Listed = Annotated[Who, BeforeValidator(_listed)]
Somebody = Annotated[Who, BeforeValidator(_somebody)]
Anybody = Annotated[Who, BeforeValidator(_who)]
People = Annotated[Who, BeforeValidator(_people)]
Span = Annotated[timedelta, BeforeValidator(_span)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
TimeOrOff = Annotated[time | None, BeforeValidator(_time_or_off)]
Zone = Annotated[str, BeforeValidator(_zone)]
Patterns = Annotated[tuple[Annotated[str, BeforeValidator(_pattern)], ...], Field(min_length=1)]
Credits = Annotated[int, Field(strict=True, ge=1, le=10**15)]


class Table(BaseModel):
    """A table of the file; a key that it does not have is a fault, not a thing to pass over."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, frozen=True)


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
    channel: Annotated[str, BeforeValidator(_channel)]


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


def _sentence(fault: Any) -> str:
    """One fault in words; a value is not repeated where the sentence says what it should be."""
    place: tuple[int | str, ...] = fault["loc"]
    name = str(place[-1]) if place and isinstance(place[-1], str) else _entry(place)
    if fault["type"] == "extra_forbidden":
        known = _keys(place[:-1])
        near = get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; the settings here are {', '.join(known)}."
        return f"{name} is not a setting here{hint}"
    if fault["type"] == "missing":
        return f"{name} is missing{_in(place[:-1])}. {MISSING.get(name, '')}".rstrip()
    said = str(fault["msg"]).removeprefix("Value error, ")
    if not place or (fault["type"] == "value_error" and _is_table(place)):
        return f"{said[0].upper()}{said[1:]}."
    said = said if said.startswith(("is ", "names ", "entry ")) else f"is wrong: {said[0].lower()}{said[1:]}"
    return f"{name} {said}."


MISSING = {
    "who": 'Say who may ask, and who may see balances: may_ask = "anyone" or a list of IDs, may_see too.',
    "may_ask": 'Write may_ask = "anyone", or a list of user IDs and user-group IDs.',
    "may_see": 'Write may_see = "anyone", or a list of user IDs and user-group IDs.',
    "tiers": "Without a tier nobody can approve anything: add one that begins with [[tiers]].",
    "approvers": "List the user IDs and user-group IDs of those who may approve.",
    "name": "Give the tier a name: people see it when the tier refuses something.",
}


def _in(place: tuple[int | str, ...]) -> str:
    table = next((step for step in reversed(place) if isinstance(step, str)), None)
    return "" if table is None else f" in {table}"


def _entry(place: tuple[int | str, ...]) -> str:
    table = next((step for step in reversed(place) if isinstance(step, str)), "it")
    number = next((step for step in reversed(place) if isinstance(step, int)), 0)
    return f"{table}, entry {number + 1},"


def _is_table(place: tuple[int | str, ...]) -> bool:
    return str(place[-1]) in TABLES


def _keys(place: tuple[int | str, ...]) -> list[str]:
    table = next((step for step in reversed(place) if isinstance(step, str)), None)
    fields = TABLES.get(table or "", PolicyTable).model_fields
    return list(fields)
