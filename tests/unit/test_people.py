"""How often Slack is asked who is in a user group, and how long its answer counts."""

import time
from collections import Counter
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from creditbot.domain.policy import Policy, Tier
from creditbot.domain.who import ANYONE, Roster, Who
from creditbot.elapsed import boottime
from creditbot.slack.people import Groups

GROUPS = [f"S{number:03}" for number in range(12)]
A_MINUTE = 60.0


class Slack(AsyncWebClient):
    """Knows who is in a group, allows so many calls within a minute, and fails as `says` has it."""

    def __init__(self, *, allows: int = 10_000) -> None:
        super().__init__()
        self.now = 1000.0
        self.members = {group: ["U0ANN"] for group in GROUPS}
        self.asked: list[tuple[float, str]] = []
        self.says: dict[str, str] = {}
        self._allows = allows
        self._answered: list[float] = []

    def clock(self) -> float:
        return self.now

    async def usergroups_users_list(self, *, usergroup: str, **_: Any) -> AsyncSlackResponse:
        self.asked.append((self.now, usergroup))
        lately = [moment for moment in self._answered if moment > self.now - A_MINUTE]
        if len(lately) >= self._allows:
            raise self._error("ratelimited", {"Retry-After": f"{lately[0] + A_MINUTE - self.now:.0f}"})
        if usergroup in self.says:
            raise self._error(self.says[usergroup], {})
        self._answered.append(self.now)
        return self._answer({"ok": True, "users": self.members[usergroup]}, {})

    def _error(self, error: str, headers: dict[str, str]) -> SlackApiError:
        answer = self._answer({"ok": False, "error": error}, headers)
        return SlackApiError("It failed.", answer)  # type: ignore[no-untyped-call]  # slack_sdk has no type here

    def _answer(self, body: dict[str, Any], headers: dict[str, str]) -> AsyncSlackResponse:
        return AsyncSlackResponse(
            client=self,
            http_verb="POST",
            api_url="https://slack.com/api/usergroups.users.list",
            req_args={},
            data=body,
            headers=headers,
            status_code=200,
        )


def groups(slack: Slack, *lists: Who) -> Groups:
    tiers = tuple(Tier(str(place), who) for place, who in enumerate(lists or [Who.of(GROUPS)]))
    return Groups(slack, Policy(tiers=tiers), slack.clock)


@pytest.mark.parametrize("every", [7.0, 20.0, 30.0, 45.0, 61.0])
async def test_a_dozen_groups_are_readable_within_slacks_limit(every: float) -> None:
    slack = Slack(allows=20)
    directory = groups(slack)
    for _ in range(int(3600 / every)):
        roster = await directory()
        # All at once at the start, and once more within the minute, are too many.
        if slack.now >= 1000.0 + A_MINUTE or every >= 20.0:
            assert not roster.unreadable
        slack.now += every


@pytest.mark.parametrize("every", [1.0, 7.0, 20.0, 45.0, 61.0])
async def test_a_change_of_a_group_bites_within_a_minute(every: float) -> None:
    slack = Slack()
    directory = groups(slack)
    everyone = Who.of(GROUPS)
    for turn in range(int(300 / every)):
        slack.members[GROUPS[turn % 12]].append(f"U{slack.now:.0f}")
        found = (await directory()).everyone(everyone)
        changes = [float(member[1:]) for members in slack.members.values() for member in members[1:]]
        assert found >= {f"U{moment:.0f}" for moment in changes if moment <= slack.now - A_MINUTE}
        slack.now += every


async def test_a_right_does_not_outlive_a_night_of_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through which `time.monotonic()` stands still on Linux; the clock that a process has must not."""
    slack = Slack()
    directory = Groups(slack, Policy(tiers=(Tier("all", Who.of(GROUPS)),)))
    await directory()
    slack.says = dict.fromkeys(GROUPS, "internal_error")
    went_to_sleep = boottime()
    monkeypatch.setattr(time, "clock_gettime", lambda _clock: went_to_sleep + 8 * 3600)
    assert (await directory()).unreadable == set(GROUPS)


@pytest.mark.parametrize("error", ["internal_error", "ratelimited"])
async def test_the_last_list_counts_while_slack_fails_but_for_no_longer_than_a_minute(error: str) -> None:
    slack = Slack()
    directory = groups(slack, Who.of(["S000"]))
    await directory()
    slack.says["S000"] = error
    start = slack.now
    while slack.now < start + 2 * A_MINUTE:
        slack.now += 1.0
        roster = await directory()
        if slack.now - start > A_MINUTE:
            assert roster.unreadable == {"S000"}
            assert not roster.everyone(Who.of(["S000"]))
        elif slack.now - start < A_MINUTE - 10:
            assert roster.everyone(Who.of(["S000"])) == {"U0ANN"}
    del slack.says["S000"]
    slack.now += 5.0
    assert (await directory()).everyone(Who.of(["S000"])) == {"U0ANN"}


async def test_a_group_that_is_gone_counts_for_nothing_at_once() -> None:
    slack = Slack()
    directory = groups(slack, Who.of(["S000"]))
    await directory()
    slack.says["S000"] = "no_such_subteam"
    slack.now += 50.0
    assert (await directory()).unreadable == {"S000"}


async def test_slack_is_left_alone_for_as_long_as_it_asks() -> None:
    slack = Slack(allows=5)
    directory = groups(slack)
    assert len((await directory()).unreadable) == 7
    tries = len(slack.asked)
    for _ in range(59):
        slack.now += 1.0
        await directory()
    assert len(slack.asked) == tries
    slack.now += 1.0
    await directory()
    assert len(slack.asked) > tries


async def test_the_groups_are_not_all_read_at_once() -> None:
    slack = Slack()
    directory = groups(slack)
    for _ in range(120):
        await directory()
        slack.now += 1.0
    at_once = Counter(moment for moment, _ in slack.asked if moment > 1000.0)
    assert max(at_once.values()) <= 2


async def test_only_what_is_asked_for_is_read() -> None:
    slack = Slack()
    directory = groups(slack, Who.of(["S000"]), Who.of(["S001"]))
    assert (await directory(ANYONE)).unreadable == {"S000", "S001"}
    assert slack.asked == []
    roster = await directory(Who.of(["S000", "U0BEN"]))
    assert [group for _, group in slack.asked] == ["S000"]
    # Of the other nobody says that it is empty.
    assert roster == Roster({"S000": frozenset({"U0ANN"})}, frozenset({"S001"}))
