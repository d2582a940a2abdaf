"""The ledger for an auditor: checked against its chain and the tables, and printed."""

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date, timedelta
from typing import TextIO

from creditbot import spreadsheet
from creditbot.days import day, midnight
from creditbot.domain.ledger import Keys, Verification, fingerprint
from creditbot.domain.text import count
from creditbot.store import audit
from creditbot.store.database import looking_at
from creditbot.store.types import from_millis, to_millis

MOST = 20
"""Differences that are printed."""

CUT_OFF = (
    "The database alone can't show whether events were cut off at the end. To check that, pass --head with "
    "the head from the last daily digest in the approvals channel, or one that you noted elsewhere."
)

NO_KEY = (
    "The hashes have no key, so whoever can write to the database can also add forged events that fit the "
    "chain. CREDITBOT_LEDGER_KEY prevents that."
)

COLUMNS = (
    "id",
    "at",
    "request_id",
    "subuser",
    "kind",
    "actor",
    "from_status",
    "to_status",
    "detail",
    "previous_hash",
    "hash",
)

Days = tuple[int | None, int | None]
"""From when on, and before when, in milliseconds."""


async def verify(url: str, head: str | None = None, keys: Keys = ()) -> tuple[list[str], str]:
    """What is wrong, a sentence each; and the sentence that tells that all is well, if nothing is."""
    async with looking_at(url, keys) as database, database.read() as connection:
        found, noted = await audit.recount(connection, head)
        faults = _faults_of_the_key(found, keys) or _faults_of_the_chain(found, head, noted)
        if not faults:
            faults = _faults_of_the_digests(await audit.missed_head(connection))
        if not faults:
            faults = _listed([sentence async for sentence in _some(audit.compare(connection))])
        faults += _faults_of_the_triggers(await audit.missing_triggers(connection))
    events = count(found.count, "event")
    whole = f"The ledger is intact: {events}, and the tables match. Head: {found.head}"
    if found.keyed_at is not None:
        whole += f"\nThe hashes have a key from event {found.keyed_at:,} on."
    else:
        whole += f"\n{NO_KEY}"
    if noted is not None:
        whole += f"\nThe head given is that of event {noted.event_id:,}, recorded on {_moment(noted.at)}."
    else:
        whole += f"\n{CUT_OFF}"
    return faults, whole


def _faults_of_the_key(found: Verification, keys: Keys) -> list[str]:
    if found.other_key is not None:
        event = f"Event {found.count + 1:,} and those after it are keyed with the key {found.other_key}, "
        if not keys:
            missing = "and CREDITBOT_LEDGER_KEY is not set: set it to the key that the bot has."
        else:
            given = ", ".join(fingerprint(key) for key in keys)
            missing = (
                f"and CREDITBOT_LEDGER_KEY has {given}: set it to the key that the bot has, and those "
                "before it. If that is what it is, someone without the key wrote that event."
            )
        before = f"They could not be checked. Before them, {count(found.count, 'event')} passed."
        return [event + missing, before]
    if found.late_key is not None:
        place = [fingerprint(key) for key in keys].index(found.late_key) + 1
        late = (
            f"Event {found.count + 1:,} goes on with the key {found.late_key}, which is number {place} in "
            "CREDITBOT_LEDGER_KEY, after events with a key that comes before it there. Put the newest key "
            "first, as in NEW,OLD, and verify again."
        )
        old = (
            "If the newest key is first already, someone with that old key wrote the event: compare the "
            f"database with a backup. Before it, {count(found.count, 'event')} passed."
        )
        return [late, old]
    if keys and found.keyed_at is None and found.broken_at is None:
        return [
            "CREDITBOT_LEDGER_KEY is set, but no event has a hash with that key.",
            "If the bot has not run with it yet, start it. If it has, compare the database with a backup.",
        ]
    return []


def _faults_of_the_chain(found: Verification, head: str | None, noted: audit.NotedHead | None) -> list[str]:
    if found.broken_at is not None:
        broken = (
            f"The ledger is broken at event {found.broken_at:,}; before it, {count(found.count, 'event')} "
            "passed."
        )
        return [broken, "Compare the database with a backup from before that event."]
    if head is not None and noted is None:
        missing = f"No event has the hash {head}: events have been removed or rewritten since it was noted."
        return [missing, f"The ledger has {count(found.count, 'event')}; its head is {found.head}."]
    return []


def _faults_of_the_digests(missed: audit.DigestHead | None) -> list[str]:
    if missed is None:
        return []
    noted = f"A digest in the database has the head {missed.head} after {count(missed.events, 'event')}"
    return [f"{noted}, but the chain does not: events have been removed or rewritten since."]


def _faults_of_the_triggers(missing: list[str]) -> list[str]:
    if not missing:
        return []
    names = ", ".join(missing)
    return [
        f"Triggers that protect the ledger are missing or changed: {names}. Restore: `creditbot migrate`.",
        "Unless creditbot was just updated, someone removed them: find out who, and what they did since.",
    ]


def _listed(differences: list[str]) -> list[str]:
    if not differences:
        return []
    more = ["There are more differences; these are the first {MOST}."] if len(differences) > MOST else []
    return ["The chain is intact, but the tables do not match it:", *differences[:MOST], *more]


async def _some(differences: AsyncIterator[str]) -> AsyncIterator[str]:
    left = MOST + 1
    async for difference in differences:
        yield difference
        left -= 1
        if left == 0:
            return


def head_of(text: str) -> str:
    """A head as someone copied it, perhaps with blanks or the digest's backticks around it.

    Raises:
        ValueError: it is none; the text says what to write.
    """
    head = text.strip(" \t\r\n`'\"").lower()
    if re.fullmatch("[0-9a-f]{64}", head) is None:
        raise ValueError(
            "--head is not a head, which has 64 digits (0 to 9, a to f). Copy all of it from a daily "
            "digest, or from the output of `creditbot audit verify`."
        )
    return head


def days(first: str | None, last: str | None) -> Days:
    """Days in UTC, both included, as moments.

    Raises:
        ValueError: one of them is no date; the text says what to write.
    """
    start = None if first is None else day("--from", first)
    end = None if last is None else day("--to", last)
    if start is not None and end is not None and end < start:
        raise ValueError("--to is before --from; change one of them.")
    return (
        None if start is None else to_millis(midnight(start)),
        None if end is None or end == date.max else to_millis(midnight(end + timedelta(days=1))),
    )


async def export(url: str, out: TextIO, *, csv: bool, days: Days, subuser: str | None) -> None:
    """Print the events one by one, however many there are."""
    write = _csv(out) if csv else _json_lines(out)
    async with looking_at(url) as database, database.read() as connection:
        async for event in audit.history(connection, *days, subuser=subuser):
            write({**event, "at": _moment(event["at"])})
    out.flush()


def _moment(millis: object) -> object:
    """ISO 8601 in UTC; what is no time stays as it is, since it must be shown too."""
    if not isinstance(millis, int):
        return millis
    try:
        at = from_millis(millis)
    except (ValueError, OverflowError, OSError):
        return millis
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _csv(out: TextIO) -> Callable[[Mapping[str, object]], None]:
    write_row = spreadsheet.writer(out)
    write_row(COLUMNS)

    def write(event: Mapping[str, object]) -> None:
        detail = _without_semicolons(event["detail"])
        write_row(({**event, "detail": detail})[name] for name in COLUMNS)

    return write


def _without_semicolons(detail: object) -> object:
    """The same JSON, in which no cell can begin; what is no JSON stays as it is."""
    if not isinstance(detail, str) or _content(detail) is detail:
        return detail
    return detail.replace(";", "\\u003b")


def _content(detail: object) -> object:
    """The detail as JSON; one that is none stays a text."""
    try:
        return json.loads(str(detail))
    except (ValueError, RecursionError):
        return detail


def _json_lines(out: TextIO) -> Callable[[Mapping[str, object]], None]:
    def write(event: Mapping[str, object]) -> None:
        line = {name: event[name] for name in COLUMNS} | {"detail": _content(event["detail"])}
        out.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")

    return write
