"""Whether the people and the channels that a policy names are in the workspace."""

from collections.abc import Iterable

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from .connection import error_code, what_slack_said
from .responder import TROUBLE


class NotAsked(Exception):
    """Slack could not be asked; the text says why, and what would help."""


UNKNOWN = frozenset({"user_not_found", "user_not_visible", "users_not_found"})


async def person_fault(client: AsyncWebClient, person: str) -> str | None:
    """What is wrong with a person, if anything is.

    https://docs.slack.dev/reference/methods/users.info

    Raises:
        NotAsked: Slack did not say.
    """
    try:
        user = (await client.users_info(user=person)).get("user") or {}
    except TROUBLE as error:
        code = error_code(error)
        if isinstance(error, SlackApiError) and code in UNKNOWN:
            return f"{person} is not in this workspace."
        if code == "missing_scope":
            raise NotAsked(
                "People could not be looked up: the app lacks the scope users:read. Add it and install the "
                "app again."
            ) from error
        raise NotAsked(f"People could not be looked up: {what_slack_said(error)}.") from error
    if user.get("deleted"):
        return f"{person} is deactivated: take them out, or approvals may wait for nobody."
    if user.get("is_bot"):
        return f"{person} is a bot, which presses no button."
    return None


async def people_faults(client: AsyncWebClient, people: Iterable[str]) -> list[str]:
    """What is wrong with each of these people.

    Raises:
        NotAsked: Slack did not say.
    """
    found = [await person_fault(client, person) for person in sorted(people)]
    return [fault for fault in found if fault is not None]


NO_MESSAGE = "1000000000.000000"
"""The time of a message before there was a Slack."""


async def channel_fault(client: AsyncWebClient, channel: str) -> str | None:
    """What is wrong with a channel, if anything is; whether the bot may post there is not known then.

    Slack tells about channels only with more scopes. But asking for a link to a message takes none, and Slack
    says whether the message is missing or the channel.
    https://docs.slack.dev/reference/methods/chat.getPermalink

    Raises:
        NotAsked: Slack did not say.
    """
    try:
        await client.chat_getPermalink(channel=channel, message_ts=NO_MESSAGE)
    except TROUBLE as error:
        code = error_code(error)
        if code == "channel_not_found":
            return (
                f"Slack shows the bot no channel {channel}: correct its ID, or invite the bot with /invite."
            )
        if code != "message_not_found":
            raise NotAsked(f"Channels could not be looked up: {what_slack_said(error)}.") from error
    return None


async def channel_faults(client: AsyncWebClient, channels: Iterable[str]) -> list[str]:
    """What is wrong with each of these channels.

    Raises:
        NotAsked: Slack did not say.
    """
    found = [await channel_fault(client, channel) for channel in channels]
    return [fault for fault in found if fault is not None]
