"""Who the approvers are now: those listed by name, and the members of the user groups that are listed."""

import asyncio
import time

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.domain.policy import Policy

from .connection import error_code
from .responder import TROUBLE

FRESH = 30.0
"""Seconds that a group's members are kept, so that a change bites within a minute."""

PATIENCE = 1.2
"""Seconds to wait for Slack, since someone has clicked and must be acked within three."""

RETRY = 5.0

log = structlog.get_logger(__name__)


class Approvers:
    """Fails closed: a group that can't be read has no members, and the log says so."""

    def __init__(self, client: AsyncWebClient, policy: Policy) -> None:
        self._client = client
        self._policy = policy
        self.unreadable: frozenset[str] = frozenset()
        self._members: dict[str, tuple[float, frozenset[str]]] = {}
        self._lock = asyncio.Lock()

    async def __call__(self) -> frozenset[str]:
        if not self._policy.groups:
            return self._policy.people
        async with self._lock:
            found = await asyncio.gather(*(self._group(group) for group in sorted(self._policy.groups)))
        return self._policy.people.union(*found)

    async def _group(self, group: str) -> frozenset[str]:
        until, members = self._members.get(group, (0.0, frozenset[str]()))
        if time.monotonic() < until:
            return members
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._client.usergroups_users_list(usergroup=group)
        except TROUBLE as error:
            log.warning(
                "A user group of CREDITBOT_APPROVERS could not be read, so its members can't approve now",
                group=group,
                error=error_code(error),
            )
            self._members[group] = (time.monotonic() + RETRY, frozenset())
            self.unreadable |= {group}
            return frozenset()
        members = frozenset(user for user in answer.get("users") or [] if isinstance(user, str))
        self._members[group] = (time.monotonic() + FRESH, members)
        self.unreadable -= {group}
        return members
