"""Who is in the user groups that the policy names."""

import asyncio
import time

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.domain.policy import Policy
from creditbot.domain.who import Roster

from .connection import error_code
from .responder import TROUBLE

FRESH = 30.0
"""Seconds that a group's members are kept, so that a change bites within a minute."""

PATIENCE = 1.2
"""Seconds to wait for Slack, since someone has clicked and must be acked within three."""

RETRY = 5.0

LASTING = {
    "plan_upgrade_required": "this workspace's plan has no user groups: list people in the policy instead",
    "missing_scope": "the app lacks the scope usergroups:read: add it and install the app again",
    "no_such_subteam": "there is no such user group: take it out of the policy, or correct its ID",
    "subteam_disabled": "the user group is disabled: enable it in Slack, or take it out of the policy",
}
"""What Slack says where only a person can help, and what to do about it."""

SELDOM = 45.0

log = structlog.get_logger(__name__)


class Groups:
    """Implements `creditbot.domain.who.Directory`; a group that can't be read has no members."""

    def __init__(self, client: AsyncWebClient, policy: Policy) -> None:
        self._client = client
        self._groups = sorted(policy.groups)
        self._refused: dict[str, str] = {}
        self._members: dict[str, tuple[float, frozenset[str]]] = {}
        self._lock = asyncio.Lock()

    async def __call__(self) -> Roster:
        if not self._groups:
            return Roster()
        async with self._lock:
            found = await asyncio.gather(*(self._group(group) for group in self._groups))
        members = dict(zip(self._groups, found, strict=True))
        return Roster(members, frozenset(self._refused))

    def why_unread(self, group: str) -> str:
        """What Slack said of a group that could not be read, and what to do about it."""
        code = self._refused[group]
        return f"Slack says {code}: {LASTING.get(code, 'try again in a minute')}"

    async def _group(self, group: str) -> frozenset[str]:
        until, members = self._members.get(group, (0.0, frozenset[str]()))
        if time.monotonic() < until:
            return members
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._client.usergroups_users_list(usergroup=group)
        except TROUBLE as error:
            code = error_code(error)
            log.warning(
                "A user group of the policy could not be read, so its members count for nothing now",
                group=group,
                error=code,
                **({"hint": LASTING[code]} if code in LASTING else {}),
            )
            self._members[group] = (time.monotonic() + (SELDOM if code in LASTING else RETRY), frozenset())
            self._refused[group] = code
            return frozenset()
        members = frozenset(user for user in answer.get("users") or [] if isinstance(user, str))
        self._members[group] = (time.monotonic() + FRESH, members)
        self._refused.pop(group, None)
        return members
