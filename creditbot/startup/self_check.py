"""What a process asks once, when it is up: whether SendGrid and Slack have what its settings and policy name.

What is not as it should be is one warning, which says what to do. Nothing here keeps a process from starting,
or ends it: whoever does not answer may be back in a minute.
"""

from collections.abc import Awaitable, Callable

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.domain.markup import without_markup
from creditbot.domain.policy import Policy
from creditbot.policy_check import look_up
from creditbot.sendgrid.client import SendGrid
from creditbot.sendgrid.problems import SendGridProblem
from creditbot.sendgrid.scopes import SCOPES
from creditbot.slack.people import Groups

log = structlog.get_logger(__name__)

Question = Callable[[], Awaitable[list[str]]]
"""Asks, and answers what is not as it should be."""


async def self_check(
    sendgrid: SendGrid,
    client: AsyncWebClient,
    policy: Policy,
    channel: str,
    *,
    works: bool,
) -> None:
    """Ask, and log. Where no jobs are done (not `works`) it is for others to ask Slack."""

    async def of_sendgrid() -> list[str]:
        return await key_faults(sendgrid)

    async def of_slack() -> list[str]:
        return await workspace_faults(client, policy, channel)

    warnings = [*await _answer(of_sendgrid), *(await _answer(of_slack) if works else [])]
    for warning in warnings:
        log.warning(warning)
    where = "SendGrid, Slack" if works else "SendGrid"
    log.info("The settings were checked with SendGrid and Slack", where=where, warnings=len(warnings))


async def _answer(question: Question) -> list[str]:
    try:
        return await question()
    except Exception:
        log.exception("The check at the start could not be finished; going on")
        return []


async def key_faults(sendgrid: SendGrid) -> list[str]:
    """Whether SendGrid takes the key, and lets it do what creditbot does."""
    try:
        held = await sendgrid.scopes()
    except SendGridProblem as problem:
        said = without_markup(problem.sentence)
        if problem.status == 401:
            return [f"SENDGRID_API_KEY is wrong: {said}"]
        return [f"SENDGRID_API_KEY could not be checked with SendGrid: {said}"]
    missing = [scope for scope in SCOPES if scope not in held]
    if not missing:
        return []
    lacks = f"SENDGRID_API_KEY lacks {', '.join(missing)}"
    return [f"{lacks}: give the key these scopes in SendGrid, under Settings, API Keys."]


async def workspace_faults(client: AsyncWebClient, policy: Policy, channel: str) -> list[str]:
    """Whether the channels, people and groups are there; what a bot of its scopes can't know is left open."""
    channels = {channel, *(route.channel for route in policy.routes)}
    report = await look_up(client, policy, Groups(client, policy), channels)
    for unknown in report.unknown:
        log.info(unknown)
    return report.faults + report.warnings
