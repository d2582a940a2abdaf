"""Who is in the user groups that the policy names."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.domain.policy import Policy
from creditbot.domain.who import Roster, Who
from creditbot.elapsed import boottime

from .errors import TROUBLE, error_code, retry_after, what_slack_said

FRESH = (40.0, 50.0)
"""Seconds after which a list of members is read again: one group's sooner, another's later.

So they are not all read at once. Slack allows about 20 such calls a minute, for all processes together.
docs.slack.dev/reference/methods/usergroups.users.list
"""

OLDEST = 57.0
"""Seconds for which a list counts where Slack does not say anew, so that a change bites within a minute."""

PATIENCE = 1.2
"""Seconds to wait for Slack, since someone has clicked and must be acked within three."""

RETRY = 5.0

LASTING = {
    "plan_upgrade_required": "this workspace's plan has no user groups: list people in the policy instead",
    "missing_scope": "the app lacks the scope usergroups:read: add it and reinstall the app",
    "no_such_subteam": "there is no such user group: take it out of the policy, or correct its ID",
    "subteam_disabled": "the user group is disabled: enable it in Slack, or take it out of the policy",
}
"""What Slack says where only a person can help, and what to do about it."""

SELDOM = 45.0

LONGEST_WAIT = 60.0
"""Seconds that Slack is left alone at most, whatever it asks for."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Known:
    """What is known of one group: its members, if Slack has said so lately, and when to ask next.

    `refused` is Slack's word where it last said no, or what else went wrong; `why` says it to people.
    """

    fresh: float
    members: frozenset[str] = frozenset()
    until: float = 0.0
    ask_at: float = 0.0
    refused: str | None = None
    why: str = "Slack was not asked"


class Groups:
    """Implements `creditbot.domain.who.Directory`; a group that can't be read has no members."""

    def __init__(self, client: AsyncWebClient, policy: Policy, clock: Callable[[], float] = boottime) -> None:
        self._client = client
        self._clock = clock
        groups = sorted(policy.groups)
        first, last = FRESH
        step = (last - first) / max(1, len(groups) - 1)
        self._known = {group: Known(first + step * place) for place, group in enumerate(groups)}
        self._hold_until = 0.0
        self._lock = asyncio.Lock()

    async def __call__(self, who: Who | None = None) -> Roster:
        wanted = self._known.keys() if who is None else who.groups & self._known.keys()
        if not wanted:
            return Roster({}, frozenset(self._known))
        async with self._lock:
            now = self._clock()
            if now >= self._hold_until:
                due = [group for group in sorted(wanted) if now >= self._known[group].ask_at]
                await asyncio.gather(*(self._ask(group, now) for group in due))
            now = self._clock()
            readable = {
                group: self._known[group].members for group in wanted if now < self._known[group].until
            }
        return Roster(readable, frozenset(self._known.keys() - readable.keys()))

    def why_unread(self, group: str) -> str:
        """What Slack said of a group that could not be read, and what to do about it."""
        known = self._known[group]
        return f"{known.why}: {LASTING.get(known.refused or '', 'try again in a minute')}"

    async def _ask(self, group: str, now: float) -> None:
        """Ask Slack for the members. Their age counts from `now`, before it can have looked."""
        known = self._known[group]
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._client.usergroups_users_list(usergroup=group)
        except TROUBLE as error:
            self._failed(group, known, error, now)
            return
        known.members = frozenset(user for user in answer.get("users") or [] if isinstance(user, str))
        known.until, known.ask_at, known.refused = now + OLDEST, now + known.fresh, None

    def _failed(self, group: str, known: Known, error: Exception, now: float) -> None:
        code = known.refused = error_code(error)
        known.why = what_slack_said(error)
        wait = retry_after(error)
        if wait is not None:  # it holds for the method, whatever the group
            self._hold_until = max(self._hold_until, now + min(wait, LONGEST_WAIT))
        if code in LASTING:
            known.until = 0.0
        known.ask_at = now + (SELDOM if code in LASTING else RETRY)
        log.warning(
            "A user group of the policy could not be read",
            group=group,
            error=code,
            members="count until their list is a minute old" if now < known.until else "do not count for now",
            **({"hint": LASTING[code]} if code in LASTING else {}),
        )
