"""The policy for whoever writes it: checked against the workspace, and explained for one change."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from creditbot.config import PolicySettings
from creditbot.domain.explain import Explanation, Scenario, explain
from creditbot.domain.policy import DAY, Policy, Usage
from creditbot.domain.soundness import findings
from creditbot.domain.text import without_markup
from creditbot.domain.who import Roster
from creditbot.slack.people import Groups
from creditbot.slack.proxied import through
from creditbot.slack.workspace import NotAsked, people_faults, standing
from creditbot.store import requests
from creditbot.store.database import Database
from creditbot.store.engines import is_postgres

UNSET = "SLACK_BOT_TOKEN is not set"


@dataclass
class Report:
    """Sentences in plain text, and the kinds of things that were not looked up in Slack."""

    faults: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)


async def check(settings: PolicySettings, policy: Policy, *, offline: bool) -> Report:
    """Everything that makes the policy, or a part of it, useless."""
    async with _slack(settings, offline=offline) as client:
        if client is not None:
            groups = Groups(client, policy)
            channels = {route.channel for route in policy.routes}
            report = await look_up(client, policy, groups, channels)
            report.faults[:0] = _unread(groups, await groups())
            return report
    report = Report(unseen=["people", "groups", "channels"])
    report.unknown.append(
        "Slack was not asked (--offline)." if offline else f"{UNSET}; set it to look people up."
    )
    _judge(report, policy, Roster({}, policy.groups))
    return report


async def look_up(client: AsyncWebClient, policy: Policy, groups: Groups, channels: Iterable[str]) -> Report:
    """What Slack says of people, groups and channels, and what follows for the policy.

    Which group can't be read, and why, is for `groups` to tell.
    """
    report = Report()
    roster = await groups()
    report.faults += [
        f"User group {group} is empty."
        for group in sorted(roster.members)
        if group not in roster.unreadable and not roster.members[group]
    ]
    try:
        report.faults += await people_faults(client, policy.people)
    except NotAsked as why:
        report.unknown.append(str(why))
        report.unseen.append("people")
    await _look_up_channels(client, sorted(channels), report)
    _judge(report, policy, roster)
    return report


def _judge(report: Report, policy: Policy, roster: Roster) -> None:
    for finding in findings(policy, roster):
        (report.faults if finding.fault else report.warnings).append(without_markup(finding.sentence))


def _unread(groups: Groups, roster: Roster) -> list[str]:
    return [
        f"The members of user group {group} could not be read. {groups.why_unread(group)}."
        for group in sorted(roster.unreadable)
    ]


async def _look_up_channels(client: AsyncWebClient, channels: list[str], report: Report) -> None:
    unknown: list[str] = []
    try:
        for channel in channels:
            found = await standing(client, channel)
            if found.fault is not None:
                report.faults.append(found.fault)
            elif not found.known:
                unknown.append(channel)
    except NotAsked as why:
        report.unknown.append(str(why))
        report.unseen.append("channels")
    if unknown:
        report.unknown.append(
            f"The bot's scopes do not show whether it is in {', '.join(unknown)}: invite it to each with "
            "/invite. A card that can't be posted is logged with its channel."
        )


async def tell(settings: PolicySettings, policy: Policy, scenario: Scenario, *, offline: bool) -> Explanation:
    """What would happen to a change now; first, whose members are not known, and why."""
    roster = Roster({}, policy.groups)
    unread: list[str] = []
    async with _slack(settings, offline=offline) as client:
        if client is not None:
            groups = Groups(client, policy)
            roster = await groups()
            unread = _unread(groups, roster)
        elif policy.groups:
            the = "The" if offline else f"{UNSET}, so the"
            unread = [f"{the} members of {', '.join(sorted(policy.groups))} were not looked up."]
    usage = await _usage(settings.database_url, scenario) if policy.limits.rolling else Usage()
    told = explain(policy, roster, scenario, usage, settings.approvals_channel or "the approvals channel")
    return Explanation((*unread, *told.sentences), told.possible)


async def _usage(url: str, scenario: Scenario) -> Usage | None:
    """What counts towards the caps, if there is a database that says so."""
    if not _is_there(url):
        return None
    database = Database(url, looking=True)
    try:
        async with database.read() as connection:
            return await requests.usage(
                connection,
                since=datetime.now(UTC) - DAY,
                requested_by=scenario.actor,
                changes=[scenario.change],
            )
    except (SQLAlchemyError, OSError):
        return None
    finally:
        await database.close()


def _is_there(url: str) -> bool:
    return is_postgres(url) or Path(make_url(url).database or "").is_file()


@asynccontextmanager
async def _slack(settings: PolicySettings, *, offline: bool) -> AsyncIterator[AsyncWebClient | None]:
    if offline or settings.slack_bot_token is None:
        yield None
        return
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        client = AsyncWebClient(
            token=settings.slack_bot_token.get_secret_value(),
            base_url=settings.slack_api_url,
            session=session,
            retry_handlers=[],
        )
        yield through(client, settings.proxies.for_url(settings.slack_api_url))
