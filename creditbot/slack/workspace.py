"""Whether the people and the channels that a policy names are in the workspace."""

from collections.abc import Iterable
from dataclasses import dataclass

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from .errors import TROUBLE, error_code, what_slack_said


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
                "People could not be looked up: the app lacks the scope users:read. Add it and reinstall "
                "the app."
            ) from error
        raise NotAsked(f"People could not be looked up: {what_slack_said(error)}.") from error
    if user.get("deleted"):
        return f"{person} is deactivated: take them out, or requests may wait for someone who can't act."
    if user.get("is_bot"):
        return f"{person} is a bot and can't press buttons."
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

NEEDS_MORE = frozenset({"missing_scope", "channel_not_found"})
"""What Slack says of a channel of which it tells only apps that have more scopes."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the bot stands with a channel: what is wrong, if anything, and whether it is known to be in it."""

    fault: str | None = None
    known: bool = True


async def standing(client: AsyncWebClient, channel: str) -> Standing:
    """What is wrong with a channel, as far as the bot's scopes show.

    https://docs.slack.dev/reference/methods/conversations.info

    Raises:
        NotAsked: Slack did not say.
    """
    try:
        answer = await client.conversations_info(channel=channel)
    except TROUBLE as error:
        if error_code(error) in NEEDS_MORE:
            return await _by_a_link(client, channel)
        raise NotAsked(f"Channels could not be looked up: {what_slack_said(error)}.") from error
    told = answer.get("channel") or {}
    if told.get("is_archived"):
        return Standing(f"Channel {channel} is archived: unarchive it in Slack, or set another one.")
    anywhere = not told.get("is_private") and "chat:write.public" in scopes(answer)
    may_post = anywhere or told.get("is_member", True)
    return Standing(
        None if may_post else f"The bot is not in channel {channel}: invite it there with /invite."
    )


def scopes(answer: AsyncSlackResponse) -> frozenset[str]:
    """The scopes that the bot's token has, which Slack tells with every answer."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return frozenset(scope.strip() for scope in str(headers.get("x-oauth-scopes", "")).split(","))


async def _by_a_link(client: AsyncWebClient, channel: str) -> Standing:
    """Whether there is such a channel, for a bot that may not ask about channels.

    Asking for a link to a message takes no scope, and Slack says whether it is the message that is missing.
    https://docs.slack.dev/reference/methods/chat.getPermalink
    """
    try:
        await client.chat_getPermalink(channel=channel, message_ts=NO_MESSAGE)
    except TROUBLE as error:
        code = error_code(error)
        if code == "channel_not_found":
            no_channel = f"Slack does not show the bot a channel {channel}"
            return Standing(f"{no_channel}: correct its ID, or invite the bot with /invite.")
        if code != "message_not_found":
            raise NotAsked(f"Channels could not be looked up: {what_slack_said(error)}.") from error
    return Standing(known=False)
