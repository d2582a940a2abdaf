"""The ledger for an auditor: its chain recounted, and the tables compared with what it tells of them."""

from collections.abc import AsyncIterator

from creditbot.domain.chain import Keys, Verification, fingerprint
from creditbot.domain.text import count
from creditbot.store import append_only
from creditbot.store.compare import compare
from creditbot.store.database import looking_at
from creditbot.store.recount import DigestHead, NotedHead, missed_head, recount

from .times import iso

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


async def verify(url: str, head: str | None = None, keys: Keys = ()) -> tuple[list[str], str]:
    """What is wrong, a sentence each; and the sentence that tells that all is well, if nothing is."""
    async with looking_at(url, keys) as database, database.read() as connection:
        found, noted = await recount(connection, head)
        faults = _faults_of_the_key(found, keys) or _faults_of_the_chain(found, head, noted)
        if not faults:
            faults = _faults_of_the_digests(await missed_head(connection))
        if not faults:
            faults = _listed([sentence async for sentence in _some(compare(connection))])
        faults += _faults_of_the_triggers(await connection.run_sync(append_only.missing))
    events = count(found.count, "event")
    whole = f"The ledger is intact: {events}, and the tables match. Head: {found.head}"
    if found.keyed_at is not None:
        whole += f"\nThe hashes have a key from event {found.keyed_at:,} on."
    else:
        whole += f"\n{NO_KEY}"
    if noted is not None:
        whole += f"\nThe head given is that of event {noted.event_id:,}, recorded on {iso(noted.at)}."
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


def _faults_of_the_chain(found: Verification, head: str | None, noted: NotedHead | None) -> list[str]:
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


def _faults_of_the_digests(missed: DigestHead | None) -> list[str]:
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
    more = [f"There are more differences; these are the first {MOST}."] if len(differences) > MOST else []
    return ["The chain is intact, but the tables do not match it:", *differences[:MOST], *more]


async def _some(differences: AsyncIterator[str]) -> AsyncIterator[str]:
    left = MOST + 1
    async for difference in differences:
        yield difference
        left -= 1
        if left == 0:
            return
