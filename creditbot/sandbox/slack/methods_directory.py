"""The methods that tell of people, user groups and channels."""

from .arguments import required, switched_on
from .model import Channel, Json, Refusal, UserGroup
from .workspace import Workspace


class Directory:
    """users.*, usergroups.* and conversations.*"""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def auth_test(self, _: Json) -> Json:
        """Who the bot is. https://docs.slack.dev/reference/methods/auth.test"""
        return {
            "url": f"https://{self._workspace.team_domain}.slack.com/",
            "team": self._workspace.team_name,
            "user": self._workspace.bot_name,
            "team_id": self._workspace.team_id,
            "user_id": self._workspace.bot_user_id,
            "bot_id": self._workspace.bot_id,
            "is_enterprise_install": False,
        }

    def user_info(self, args: Json) -> Json:
        """One person. https://docs.slack.dev/reference/methods/users.info"""
        [user] = required(args, "user")
        person = self._workspace.people.get(user)
        is_bot = user == self._workspace.bot_user_id
        if person is None and not is_bot:
            raise Refusal("user_not_found")
        name = person.name if person else self._workspace.bot_name
        real_name = person.real_name if person else self._workspace.bot_name
        title = person.title if person else ""
        return {
            "user": {
                "id": user,
                "team_id": (person.team if person else None) or self._workspace.team_id,
                "name": name,
                "real_name": real_name,
                "tz": person.tz if person else "UTC",
                "deleted": person is not None and person.deleted,
                "is_bot": is_bot,
                "profile": {
                    "real_name": real_name,
                    "real_name_normalized": real_name,
                    "display_name": name,
                    "display_name_normalized": name,
                    "title": title,
                    "team": self._workspace.team_id,
                },
            }
        }

    def user_groups(self, args: Json) -> Json:
        """All user groups. https://docs.slack.dev/reference/methods/usergroups.list"""
        groups = [
            self._group(group, with_users=switched_on(args, "include_users"))
            for group in self._workspace.user_groups.values()
            if not group.disabled or switched_on(args, "include_disabled")
        ]
        return {"usergroups": groups}

    def user_group_members(self, args: Json) -> Json:
        """Who is in a user group. https://docs.slack.dev/reference/methods/usergroups.users.list"""
        [usergroup] = required(args, "usergroup")
        group = self._workspace.user_groups.get(usergroup)
        if group is None or (group.disabled and not switched_on(args, "include_disabled")):
            raise Refusal("no_such_subteam")
        return {"users": list(group.members)}

    def conversation_info(self, args: Json) -> Json:
        """One channel. https://docs.slack.dev/reference/methods/conversations.info"""
        channel = self._channel(args)
        told: Json = {
            "id": channel.id,
            "is_channel": channel.with_person is None and not channel.private,
            "is_group": channel.private,
            "is_im": channel.with_person is not None,
            "is_private": channel.private or channel.with_person is not None,
            "is_archived": channel.archived,
        }
        if channel.with_person is not None:
            return {"channel": {**told, "user": channel.with_person}}
        is_member = self._workspace.bot_user_id in channel.members
        return {
            "channel": {
                **told,
                "name": channel.name,
                "name_normalized": channel.name,
                "is_member": is_member,
                "is_general": False,
                "context_team_id": self._workspace.team_id,
            }
        }

    def conversation_members(self, args: Json) -> Json:
        """Who is in a channel. https://docs.slack.dev/reference/methods/conversations.members"""
        return {"members": sorted(self._channel(args).members), "response_metadata": {"next_cursor": ""}}

    def open_conversation(self, args: Json) -> Json:
        """The direct message with a person. https://docs.slack.dev/reference/methods/conversations.open"""
        [users] = required(args, "users")
        if users not in self._workspace.people:
            raise Refusal("user_not_found")
        return {"channel": {"id": self._workspace.direct_message(users).id}}

    def _channel(self, args: Json) -> Channel:
        [where] = required(args, "channel")
        channel = self._workspace.channels.get(where)
        bot_in = channel is not None and self._workspace.bot_user_id in channel.members
        if channel is None or (channel.private and not bot_in):
            raise Refusal("channel_not_found")
        return channel

    def _group(self, group: UserGroup, *, with_users: bool) -> Json:
        told: Json = {
            "id": group.id,
            "team_id": self._workspace.team_id,
            "is_usergroup": True,
            "name": group.handle,
            "handle": group.handle,
            "description": "",
            "date_delete": int(group.disabled),
            "user_count": len(group.members),
        }
        return {**told, "users": list(group.members)} if with_users else told
