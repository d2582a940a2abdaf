"""The chat.* methods. https://docs.slack.dev/reference/methods/chat.postMessage and its neighbours."""

from .arguments import required
from .limits import check_message
from .model import Channel, Json, Message, Refusal
from .payloads import Payloads
from .workspace import Workspace


class Chat:
    """Posting, changing and deleting messages as the bot."""

    def __init__(self, workspace: Workspace, payloads: Payloads) -> None:
        self._workspace = workspace
        self._payloads = payloads

    def post_message(self, args: Json) -> Json:
        """A message that everybody in a channel sees; a user ID opens the direct message."""
        [where] = required(args, "channel")
        channel = self._channel_to_post_in(where)
        check_message(args.get("text"), args.get("blocks"), self._workspace.lacking)
        message = self._workspace.post(
            channel.id,
            self._workspace.bot_user_id,
            text=args.get("text") or "",
            blocks=args.get("blocks") or [],
            thread_ts=args.get("thread_ts"),
        )
        return {"channel": channel.id, "ts": message.ts, "message": self._payloads.message(message)}

    def post_ephemeral(self, args: Json) -> Json:
        """A message that one person sees. https://docs.slack.dev/reference/methods/chat.postEphemeral"""
        where, user = required(args, "channel", "user")
        channel = self._channel_to_post_in(where)
        if user not in channel.members:
            raise Refusal("user_not_in_channel")
        check_message(args.get("text"), args.get("blocks"), self._workspace.lacking)
        message = self._workspace.post(
            channel.id,
            self._workspace.bot_user_id,
            text=args.get("text") or "",
            blocks=args.get("blocks") or [],
            visible_to=user,
            thread_ts=args.get("thread_ts"),
        )
        return {"message_ts": message.ts}

    def update(self, args: Json) -> Json:
        """Change a message of the bot. https://docs.slack.dev/reference/methods/chat.update

        A text without blocks takes the blocks away; blocks without a text leave the text as it was.
        """
        message = self._own_message(args, refusal="cant_update_message")
        text, blocks = args.get("text"), args.get("blocks")
        if text is None and blocks is None:
            raise Refusal("no_text")
        check_message(text or message.text, blocks, self._workspace.lacking)
        self._workspace.edit(message, text=text, blocks=blocks or [])
        return {
            "channel": message.channel,
            "ts": message.ts,
            "text": message.text,
            "message": self._payloads.message(message),
        }

    def delete(self, args: Json) -> Json:
        """Take away a message of the bot. https://docs.slack.dev/reference/methods/chat.delete"""
        message = self._own_message(args, refusal="cant_delete_message")
        self._workspace.delete(message)
        return {"channel": message.channel, "ts": message.ts}

    def get_permalink(self, args: Json) -> Json:
        """Where a message is. https://docs.slack.dev/reference/methods/chat.getPermalink"""
        where, ts = required(args, "channel", "message_ts")
        channel = self._known_channel(where)
        if self._workspace.find(channel.id, ts) is None:
            raise Refusal("message_not_found")
        domain = self._workspace.team_domain
        permalink = f"https://{domain}.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"
        return {"channel": channel.id, "permalink": permalink}

    def _known_channel(self, where: str) -> Channel:
        channel = self._workspace.channels.get(where)
        bot_in = channel is not None and self._workspace.bot_user_id in channel.members
        if channel is None or (channel.private and not bot_in):
            # A private channel that the bot isn't in doesn't exist, as far as Slack tells it.
            raise Refusal("channel_not_found")
        return channel

    def _channel_to_post_in(self, where: str) -> Channel:
        if where in self._workspace.people:
            return self._workspace.direct_message(where)
        if where.startswith(("U", "W")):
            raise Refusal("user_not_found")
        channel = self._known_channel(where)
        if channel.archived:
            raise Refusal("is_archived")
        if self._workspace.bot_user_id not in channel.members:
            raise Refusal("not_in_channel")
        return channel

    def _own_message(self, args: Json, *, refusal: str) -> Message:
        where, ts = required(args, "channel", "ts")
        # An ephemeral message can't be found by its ts at all.
        message = self._workspace.find(self._known_channel(where).id, ts)
        if message is None:
            raise Refusal("message_not_found")
        if message.user != self._workspace.bot_user_id:
            raise Refusal(refusal)
        return message
