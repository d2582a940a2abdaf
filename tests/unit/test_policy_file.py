"""The policy's file: what it says is what holds, and each fault is a line that names its place."""

import os
import re
import sys
import zoneinfo
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditbot.domain.changes import Change
from creditbot.domain.policy import Direction, Limits, Policy, QuietHours, Route
from creditbot.domain.policy_lint import lint
from creditbot.domain.who import ANYONE, Roster, Who
from creditbot.settings.environment import Settings
from creditbot.settings.errors import ConfigError
from creditbot.settings.policy import policy_of
from creditbot.settings.policy_file import load, parse
from creditbot.settings.policy_tables import TABLES, PolicyTable

from .test_settings import GOOD

PAGE = (Path(__file__).parent.parent.parent / "docs" / "policy.md").read_text()
[EXAMPLE] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)

WHO = '[who]\nmay_ask = "anyone"\nmay_see = "anyone"\n'
TIER = '[[tiers]]\nname = "all"\napprovers = ["U0ANN"]\n'
LEAST = WHO + TIER


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return caught.value.lines


def test_the_example_says_what_it_says() -> None:
    policy = parse(EXAMPLE)
    small, large = policy.tiers
    assert (small.name, small.up_to, small.approvals, small.including) == ("small", 10_000, 1, None)
    assert (large.above, large.approvals, large.including) == (10_000, 2, Who.of(["S0FINANCE"]))
    assert policy.expiry_of(small) == timedelta(hours=24)
    assert policy.expiry_of(large) == timedelta(days=2)
    assert (policy.may_ask, policy.may_see) == (Who.of(["S0SUPPORT"]), ANYONE)
    assert policy.limits == Limits(50_000, 60_000, 60_000, 300_000, floor=100)
    assert policy.reminders.after == (timedelta(hours=1), timedelta(hours=4))
    assert policy.reminders.quiet == QuietHours(time(19), time(8))
    assert policy.reminders.escalate_to == Who.of(["U0BACKUP"])
    assert policy.break_glass == Who.of(["U0ONCALL"])
    assert policy.routes == (Route(("brand-*",), "C0BRANDS"),)
    assert policy.timezone == "Europe/Berlin"


def test_nothing_in_the_example_is_without_effect() -> None:
    policy = parse(EXAMPLE)
    found = lint(policy, Roster({}, policy.groups))
    assert [finding for finding in found if "is not known" not in finding.sentence] == []


@pytest.mark.parametrize("table", [PolicyTable, *TABLES.values()])
def test_each_key_is_on_the_page(table: Any) -> None:
    assert {key for key in table.model_fields if not re.search(rf"\b{key}\b", PAGE)} == set()


def test_the_least_has_defaults_that_open_nothing() -> None:
    policy = parse(LEAST)
    assert policy.break_glass.nobody
    assert policy.reminders.after == ()
    assert policy.tiers[0].direction is Direction.BOTH
    assert policy.tiers_of([Change("any", 10**9)]) == policy.tiers


def test_anyone_can_be_joined_by_people_of_other_workspaces() -> None:
    policy = parse(LEAST.replace('may_ask = "anyone"', 'may_ask = ["anyone", "U0PARTNER"]'))
    assert policy.may_ask == Who(frozenset({"U0PARTNER"}), anyone=True)
    assert policy.people >= {"U0PARTNER"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "line 1: who is missing. Say who may ask"),
        (WHO, "line 1: tiers is missing. Without a tier nobody can approve"),
        (WHO + "tiers = []", "line 4: tiers is not a setting here"),
        ("tiers = []\n" + WHO, "line 1: tiers is wrong"),
        (TIER, "line 1: who is missing"),
        (LEAST + "aprovals = 2", "line 7: aprovals is not a setting here; did you mean approvals?"),
        (
            LEAST + "[limits]\nper_day = 5",
            "line 8: per_day is not a setting here; the settings here are per_request",
        ),
        (LEAST + '[reminders]\nquiet = { start = "19:00", end = "08:00", zone = "UTC" }', "line 8: zone is"),
        (LEAST + "[surprise]", "line 7: surprise is not a setting here"),
        (LEAST + "reminders.afters = []", "line 7: reminders is not a setting here"),
        (WHO + '[[tiers]]\nname = "all"\napprovers = []', "line 6: approvers names nobody"),
        (WHO + '[[tiers]]\nname = "all"', "line 4: approvers is missing in tiers. List the user IDs"),
        (
            WHO + '[[tiers]]\nname = "all"\napprovers = "anyone"',
            "line 6: approvers is not a list of Slack IDs",
        ),
        (WHO + '[[tiers]]\nname = "all"\napprovers = ["bob"]', "line 6: approvers entry 1 is not a Slack ID"),
        (LEAST + "including = []", "line 7: including names nobody"),
        (LEAST + "approvals = 0", "line 7: approvals is wrong"),
        (LEAST + "approvals = true", "line 7: approvals is wrong"),
        (LEAST + 'approvals = "2"', "line 7: approvals is wrong"),
        (LEAST + "approvals = 11", "line 7: approvals is wrong"),
        (LEAST + "above = -1", "line 7: above is wrong"),
        (LEAST + "above = 1.5", "line 7: above is wrong"),
        (LEAST + "up_to = 10_000_000_000_000_000", "line 7: up_to is wrong"),
        (LEAST + "above = 10\nup_to = 10", "line 4: tiers, entry 1, is wrong: up_to is not more than above"),
        (LEAST + "subusers = []", "line 7: subusers is wrong"),
        (LEAST + 'subusers = "acme"', "line 7: subusers is wrong"),
        (LEAST + 'subusers = [""]', "line 7: subusers, entry 1, is not a pattern"),
        (
            LEAST + 'subusers = ["acme "]',
            "line 7: subusers, entry 1, is a pattern that matches no subuser",
        ),
        (
            LEAST + 'subusers = ["a", "a/*"]',
            "line 7: subusers, entry 2, is a pattern that matches no subuser",
        ),
        (LEAST + 'subusers = ["Account-ID:*"]', "begin with @, # or account-id:."),
        (LEAST + 'direction = "up"', "line 7: direction is wrong"),
        (LEAST + 'expiry = "1 day"', 'line 7: expiry is not a length of time, such as "30m"'),
        (LEAST + 'expiry = "0h"', "line 7: expiry is not a length of time"),
        (LEAST + TIER, "Two tiers are called all"),
        (WHO.replace('"anyone"', "[]", 1) + TIER + "approvals = 0", "line 7: approvals is wrong"),
        (WHO.replace('"anyone"', "[]", 1) + TIER, 'line 2: may_ask names nobody: write "anyone", or list'),
        ('[who]\nmay_ask = "anyone"\nmay_see = []\n' + TIER, 'line 3: may_see names nobody: write "anyone"'),
        (
            LEAST + "[break_glass]\npeople = []",
            "line 8: people names nobody: list user IDs, or leave the table",
        ),
        (
            LEAST + '[reminders]\nescalate_after = "1h"\nescalate_to = []',
            "line 9: escalate_to names nobody: list user IDs and user-group IDs, or leave it out",
        ),
        (WHO.replace('"anyone"', '"everyone"', 1) + TIER, "line 2: may_ask is not a list of Slack IDs"),
        ('timezone = "Mars"\n' + LEAST, 'line 1: timezone is not a time zone, such as "Europe/Berlin"'),
        (LEAST + '[reminders]\nescalate_after = "1h"', "line 7: Escalate_after and escalate_to belong"),
        (LEAST + '[reminders]\nafter = ["soon"]', "line 8: after, entry 1, is not a length of time"),
        (LEAST + '[reminders.quiet]\nstart = "7:00"\nend = "08:00"', "line 8: start is not a time of day"),
        (LEAST + '[reminders.quiet]\nstart = "07:00"\nend = "07:00"', "Start and end are the same"),
        (LEAST + '[break_glass]\npeople = ["S0GROUP"]', "line 8: people names a user group"),
        (
            LEAST + '[[channels]]\nsubusers = ["a"]\nchannel = "#general"',
            "line 9: channel is not a channel's ID",
        ),
        (LEAST + "name = 5", "it is not TOML"),
        ("who = ", "it is not TOML"),
        (LEAST + "[who]", "it is not TOML"),
    ],
)
def test_a_fault_is_named_with_its_line(text: str, fault: str) -> None:
    found = faults(text)
    assert any(fault in line for line in found), found


def test_all_faults_are_told_at_once_in_the_order_of_their_lines() -> None:
    found = faults(LEAST + "above = -1\nsurprise = 1\napprovals = 0")
    assert [line.split(":")[0] for line in found] == [f"policy.toml, line {line}" for line in (7, 8, 9)]


def test_windows_line_ends_change_nothing() -> None:
    assert parse(EXAMPLE.replace("\n", "\r\n")) == parse(EXAMPLE)


def test_a_file_that_is_not_text_is_said_to_be_that(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="a text file in UTF-8"):
        load(file)


def test_a_byte_order_mark_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_bytes(b"\xef\xbb\xbf" + EXAMPLE.encode())
    assert load(file) == parse(EXAMPLE)
    file.write_bytes(b"\xef\xbb\xbf" + (LEAST + "approvals = 0").encode())
    with pytest.raises(ConfigError, match=r"policy\.toml, line 7: approvals is wrong"):
        load(file)


@pytest.mark.parametrize("path", ["nowhere.toml", "."])
def test_a_file_that_is_named_has_to_be_there(path: str) -> None:
    settings = Settings.from_environ({**GOOD, "CREDITBOT_POLICY": path})
    with pytest.raises(ConfigError, match=r"CREDITBOT_POLICY: .* can't be read"):
        policy_of(settings)


def test_without_a_file_the_list_of_approvers_is_the_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environ({**GOOD, "CREDITBOT_APPROVERS": "U0ANN,S0GROUP"})
    assert policy_of(settings) == Policy.one_tier(["U0ANN", "S0GROUP"])
    (tmp_path / "policy.toml").write_text(LEAST)
    assert policy_of(settings) == parse(LEAST)


@pytest.fixture
def without_time_zones(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without a folder of time zones, and without the package that stands in for it."""
    monkeypatch.setitem(sys.modules, "tzdata", None)
    monkeypatch.setitem(sys.modules, "tzdata.zoneinfo", None)
    zoneinfo.reset_tzpath(to=[])
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath()


@pytest.mark.usefixtures("without_time_zones")
@pytest.mark.parametrize("text", [None, LEAST, 'timezone = "Europe/Berlin"\n' + LEAST])
def test_a_machine_without_time_zones_is_said_to_lack_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / "policy.toml").write_text(text)
    with pytest.raises(ConfigError, match="Install the Python package tzdata"):
        policy_of(Settings.from_environ({**GOOD, "CREDITBOT_APPROVERS": "U0ANN"}))


def test_the_package_with_time_zones_stands_in_for_the_machines() -> None:
    zoneinfo.reset_tzpath(to=[])
    zoneinfo.ZoneInfo.clear_cache()
    try:
        assert parse('timezone = "Europe/Berlin"\n' + LEAST).timezone == "Europe/Berlin"
    finally:
        zoneinfo.reset_tzpath()


def a_link_to_nowhere() -> None:
    Path("policy.toml").symlink_to("not-mounted/policy.toml")


def a_folder() -> None:
    Path("policy.toml").mkdir()


def a_link_to_itself() -> None:
    Path("policy.toml").symlink_to("policy.toml")


def a_file_that_may_not_be_read() -> None:
    Path("policy.toml").write_text(LEAST)
    Path("policy.toml").chmod(0)


def a_folder_around_it_that_may_not_be_searched() -> None:
    Path("policy.toml").write_text(LEAST)
    Path().chmod(0o600)


@contextmanager
def without_privileges() -> Iterator[None]:
    """As an ordinary user, since the superuser may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    "broken",
    [
        a_link_to_nowhere,
        a_folder,
        a_link_to_itself,
        a_file_that_may_not_be_read,
        a_folder_around_it_that_may_not_be_searched,
    ],
)
def test_a_default_file_that_cannot_be_read_does_not_leave_the_list_of_approvers_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: Callable[[], None]
) -> None:
    settings = Settings.from_environ({**GOOD, "CREDITBOT_APPROVERS": "U0ANN"})
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o755)
    broken()
    try:
        with without_privileges(), pytest.raises(ConfigError, match=r"policy\.toml can't be read"):
            policy_of(settings)
    finally:
        tmp_path.chmod(0o755)


def test_the_hash_is_that_of_the_meaning() -> None:
    meant = parse(EXAMPLE)
    same = EXAMPLE.replace('["S0SUPPORT", "S0FINANCE"]', '["S0FINANCE", "S0SUPPORT"]').replace(
        "10_000", "10000"
    )
    assert same != EXAMPLE
    assert parse(same).hash == meant.hash
    for old, new in [("approvals = 2", "approvals = 3"), ('"8h"', '"9h"'), ("U0ONCALL", "U0OTHER")]:
        assert parse(EXAMPLE.replace(old, new)).hash != meant.hash


@given(st.text())
def test_whatever_the_file_holds_it_is_a_policy_or_a_list_of_faults(text: str) -> None:
    try:
        parse(text)
    except ConfigError as error:
        assert error.lines  # noqa: PT017 - either way is fine
