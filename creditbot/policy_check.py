"""The policy checked against the workspace: by itself, and with what Slack says of whom it names."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from slack_sdk.web.async_client import AsyncWebClient

from creditbot.domain.markup import without_markup
from creditbot.domain.policy import Policy
from creditbot.domain.policy_lint import lint
from creditbot.domain.who import Roster
from creditbot.slack.people import Groups
from creditbot.slack.workspace import NotAsked, people_faults, standing


@dataclass
class Report:
    """Sentences in plain text, and the kinds of things that were not looked up in Slack."""

    faults: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)


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
    add_lint(report, policy, roster)
    return report


def add_lint(report: Report, policy: Policy, roster: Roster) -> None:
    for found in lint(policy, roster):
        (report.faults if found.fault else report.warnings).append(without_markup(found.sentence))


def unread_groups(groups: Groups, roster: Roster) -> list[str]:
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
