"""The policy for whoever writes it: checked against the workspace, and explained for one change."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from creditbot.domain.explain import Explanation, Scenario, explain
from creditbot.domain.policy import Limits, Policy, Usage
from creditbot.domain.who import Roster
from creditbot.policy_check import Report, add_lint, look_up, unread_groups
from creditbot.settings.environment import PolicySettings
from creditbot.slack.people import Groups
from creditbot.slack.proxied import through
from creditbot.store import requests
from creditbot.store.database import Database
from creditbot.store.engines import is_postgres

UNSET = "SLACK_BOT_TOKEN is not set"


async def check(settings: PolicySettings, policy: Policy, *, offline: bool) -> Report:
    """Everything that makes the policy, or a part of it, useless."""
    async with _slack(settings, offline=offline) as client:
        if client is not None:
            groups = Groups(client, policy)
            channels = {route.channel for route in policy.routes}
            report = await look_up(client, policy, groups, channels)
            report.faults[:0] = unread_groups(groups, await groups())
            return report
    report = Report(unseen=["people", "groups", "channels"])
    report.unknown.append(
        "Slack was not asked (--offline)." if offline else f"{UNSET}; set it to look people up."
    )
    add_lint(report, policy, Roster({}, policy.groups))
    return report


async def tell(settings: PolicySettings, policy: Policy, scenario: Scenario, *, offline: bool) -> Explanation:
    """What would happen to a change now; first, whose members are not known, and why."""
    roster = Roster({}, policy.groups)
    unread: list[str] = []
    async with _slack(settings, offline=offline) as client:
        if client is not None:
            groups = Groups(client, policy)
            roster = await groups()
            unread = unread_groups(groups, roster)
        elif policy.groups:
            the = "The" if offline else f"{UNSET}, so the"
            unread = [f"{the} members of {', '.join(sorted(policy.groups))} were not looked up."]
    usage = await _usage(settings.database_url, policy.limits, scenario) if policy.limits.rolling else Usage()
    told = explain(policy, roster, scenario, usage, settings.approvals_channel or "the approvals channel")
    return Explanation((*unread, *told.sentences), told.possible)


async def _usage(url: str, limits: Limits, scenario: Scenario) -> Usage | None:
    """What counts towards the caps, if there is a database that says so."""
    if not _is_there(url):
        return None
    database = Database(url, looking=True)
    try:
        async with database.read() as connection:
            return await requests.usage(
                connection,
                limits,
                datetime.now(UTC),
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
            token=settings.slack_bot_token.value,
            base_url=settings.slack_api_url,
            session=session,
            retry_handlers=[],
        )
        yield through(client, settings.proxies.for_url(settings.slack_api_url))
