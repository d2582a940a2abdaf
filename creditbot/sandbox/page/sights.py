"""Everything there is to see, as JSON for the page."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from creditbot.sandbox.sendgrid import Call, SendGridSandbox, Subuser
from creditbot.sandbox.slack import Message, SlackSandbox, View

from .record import Record
from .switches import Switchboard

Json = dict[str, Any]

LATEST_CALLS = 30


@dataclass(frozen=True)
class Cast:
    """Who and what the guided first minute speaks of: IDs of people and channels, and a subuser.

    `approvers` come in the order in which the guide suggests them.
    """

    requester: str
    approvers: tuple[str, ...]
    general: str
    approvals: str
    subuser: str


class Sights:
    """Looks at Slack's side, SendGrid's side and the record. `usage` has a line for each subcommand."""

    def __init__(
        self,
        slack: SlackSandbox,
        sendgrid: SendGridSandbox,
        record: Record,
        *,
        cast: Cast,
        usage: Mapping[str, str],
    ) -> None:
        self._slack = slack
        self._sendgrid = sendgrid
        self._record = record
        self._cast = cast
        self._usage = usage
        self.switchboard = Switchboard(slack, sendgrid)
        self.answered: set[int] = set()
        """The `id()` of calls whose fate is settled; the sandbox keeps the calls, so an id stays theirs."""

    def whole(self) -> Json:
        """All of it, for a page that has just been opened."""
        workspace = self._slack.workspace
        return {
            "cast": asdict(self._cast),
            "usage": list(self._usage.values()),
            "directory": self.directory(),
            "bot": self.bot(),
            "messages": [self.message(m) for m in workspace.messages if not m.deleted],
            "views": [self.view(v) for v in workspace.views.values() if v.open],
            "subusers": self.subusers(),
            "calls": self.calls(),
            "switches": self.switchboard.read(),
            "record": self._record.read(),
        }

    def directory(self) -> Json:
        """People, channels and user groups."""
        workspace = self._slack.workspace
        return {
            "workspace": workspace.team_name,
            "bot": {"id": workspace.bot_user_id, "name": workspace.bot_name},
            "people": [asdict(person) for person in workspace.people.values()],
            "channels": [
                {
                    "id": channel.id,
                    "name": channel.name,
                    "members": sorted(channel.members),
                    "private": channel.private,
                    "with_person": channel.with_person,
                }
                for channel in workspace.channels.values()
                if not channel.archived
            ],
            "groups": [asdict(group) for group in workspace.user_groups.values()],
        }

    def bot(self) -> Json:
        """Whether the bot is there to be talked with."""
        return {"connected": self._slack.sockets > 0 or self._slack.events_url is not None}

    def message(self, message: Message) -> Json:
        """A message as it stands now."""
        return {
            "channel": message.channel,
            "ts": message.ts,
            "user": message.user,
            "text": message.text,
            "blocks": message.blocks,
            "edited": message.edited,
            "visible_to": message.visible_to,
            "thread_ts": message.thread_ts,
            "deleted": message.deleted,
            "trouble": message.trouble,
        }

    def view(self, view: View) -> Json:
        """A modal or a Home tab as it stands now."""
        return {
            "id": view.id,
            "user": view.user,
            "open": view.open,
            "hash": view.hash,
            "errors": view.errors,
            "trouble": view.trouble,
            "view": view.view,
        }

    def subusers(self) -> Json:
        """The balances at SendGrid, and what it applied to each."""
        account = self._sendgrid.account
        return {
            "mail": bool(account.burn_rates),
            "parent": {"remain": account.parent.remain, "total": account.parent.granted},
            "list": [self._subuser(subuser) for subuser in account.subusers],
        }

    def calls(self) -> list[Json]:
        """The latest PATCH calls, newest first."""
        patches = [call for call in self._sendgrid.calls if call.method == "PATCH"]
        numbered = list(enumerate(patches, 1))[-LATEST_CALLS:]
        return [self._call(number, call) for number, call in reversed(numbered)]

    def _subuser(self, subuser: Subuser) -> Json:
        limited = subuser.type != "unlimited"
        return {
            "username": subuser.username,
            "type": subuser.type,
            "remain": subuser.remain if limited else None,
            "total": subuser.granted if limited else None,
            "used": subuser.used,
            "applied": self._sendgrid.account.applied(subuser.username),
        }

    def _call(self, number: int, call: Call) -> Json:
        return {
            "number": number,
            "path": call.path,
            "username": call.username,
            "body": call.body,
            "at": call.at,
            "status": call.status,
            "fault": call.fault,
            "answered": id(call) in self.answered,
        }
