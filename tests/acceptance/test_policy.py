"""A policy from a file, as people meet it: a quorum, an emergency, limits, channels, the command line."""

import asyncio
from pathlib import Path

import pytest

from creditbot.sandbox.slack import Person, SlackSandbox
from creditbot.sandbox.world import ALICE, APPROVALS, BOB, CAROL, DAN
from tests.processes import creditbot

from .company import Company
from .conftest import over_http, over_socket

POLICY = """
[who]
may_ask = ["U0ALICE", "U0BOB"]
may_see = ["S0FINANCE"]

[[tiers]]
name = "small"
up_to = 100
approvers = ["U0ALICE", "U0BOB", "S0FINANCE"]

[[tiers]]
name = "large"
approvers = ["U0ALICE", "U0BOB", "S0FINANCE"]
approvals = 2
including = ["S0FINANCE"]

[limits]
per_request = 6000

[break_glass]
people = ["U0ALICE"]

[[channels]]
subusers = ["globex"]
channel = "C0GLOBEX"
"""


@pytest.fixture
def settings(settings: dict[str, str], slack: SlackSandbox, tmp_path: Path) -> dict[str, str]:
    slack.workspace.add_channel("C0GLOBEX", "globex", members=[ALICE, BOB], bot_in=True)
    (tmp_path / "rules.toml").write_text(POLICY)
    del settings["CREDITBOT_APPROVERS"]
    settings["CREDITBOT_POLICY"] = str(tmp_path / "rules.toml")
    return settings


async def test_two_must_agree_one_of_them_from_the_second_list(company: Company) -> None:
    card = await company.ask()
    shown = await company.card_says(card, "Needs 2 approvals")
    assert "Tier `large`" in shown
    await company.slack.click(BOB, card, "Approve")
    await company.card_says(card, "Needs 1 more approval from <!subteam^S0FINANCE>")
    assert company.patches == []
    await company.slack.click(BOB, card, "Withdraw approval")
    await company.card_says(card, "Needs 2 approvals")
    await company.slack.click(CAROL, card, "Approve")
    await company.card_says(card, "Approved so far by <@U0CAROL>")
    await company.slack.click(BOB, card, "Approve")
    await company.card_says(card, "Applied: ")
    assert company.sendgrid.account.applied("acme") == [5000]


@over_socket
async def test_in_an_emergency_a_named_person_approves_alone_and_all_are_told(company: Company) -> None:
    card = await company.ask()
    await company.slack.click(ALICE, card, "Approve")
    form = (await company.slack.until(lambda: company.slack.open_views(ALICE)))[-1]
    delivery = await company.slack.submit(ALICE, form, {"What is the emergency?": "nobody answers the phone"})
    assert delivery.acked
    shown = await company.card_says(card, "Applied: ")
    assert "Emergency: nobody answers the phone" in shown
    await company.slack.until(
        lambda: any("Approved in an emergency" in message.plain() for message in company.cards[1:])
    )
    [record] = await company.requests()
    assert (record["break_glass_reason"], record["decided_by"]) == ("nobody answers the phone", ALICE)
    assert len(company.events("break_glass")) == 1
    status, out, err = await company.bot.command_line("audit", "verify")
    assert (status, err) == (0, "")
    assert "The ledger is intact" in out


@over_http
async def test_what_the_policy_refuses_names_the_rule(company: Company) -> None:
    said = await company.say("/credits add acme 6001 x")
    assert "One request may change 6,000 credits at most" in said
    assert "Rule: limits.per_request." in said
    assert "Rule: may_ask." in await company.say("/credits add acme 5 x", user=DAN)
    assert "Rule: may_see." in await company.say("/credits balance acme", user=DAN)
    assert await company.requests() == []
    assert [event["actor"] for event in company.events("refused_ask")] == [ALICE, DAN]


@over_socket
async def test_who_may_not_see_balances_is_not_told_them_in_another_way(company: Company) -> None:
    acme = company.sendgrid.account.subuser("acme")
    assert acme is not None
    before = f"{acme.remain:,}"
    await company.say("/credits remove acme 5000 what is there?")
    await company.told(ALICE, "Ask for fewer, or ask someone who may see balances.")
    card = await company.ask("/credits add acme 50 x")
    assert before in card.plain()
    await company.slack.click(BOB, card, "Approve")
    await company.told(ALICE, "Applied")
    said = [message.plain() for message in company.slack.dm(ALICE)]
    said += [await company.say("/credits show 1"), await company.say("/credits show 2")]
    # Everyone may see requests, as in the lists; balances are left out of them in the same words as alone.
    why = await company.say("/credits balance acme", user=DAN)
    said.append(await company.say("/credits show 2", user=DAN))
    assert "Rule: may_see." in why
    assert why in said[-1]
    after = f"{acme.remain:,}"
    assert not [text for text in said if before in text or after in text]
    assert after in await company.say("/credits balance acme", user=CAROL)


@over_socket
async def test_cards_go_to_the_channel_of_their_subuser(company: Company) -> None:
    await company.say("/credits add globex 50 x")
    [card] = await company.slack.until(lambda: company.slack.messages("C0GLOBEX"))
    assert company.cards == []
    await company.slack.click(BOB, card, "Approve")
    await company.card_says(card, "Applied: ")


@over_socket
async def test_a_stricter_policy_bites_on_what_is_open(company: Company, tmp_path: Path) -> None:
    card = await company.ask("/credits add acme 50 x")
    await company.bot.stop()
    (tmp_path / "rules.toml").write_text(POLICY.replace("up_to = 100", "up_to = 10"))
    await company.bot.start()
    await company.card_says(card, "Tier `large`")
    await company.slack.click(BOB, card, "Approve")
    await company.card_says(card, "Needs 1 more approval")
    assert len(company.events("policy")) == 2
    assert company.patches == []


async def test_the_policy_is_checked_against_the_workspace(
    settings: dict[str, str], slack: SlackSandbox, tmp_path: Path
) -> None:
    async def check() -> tuple[int, str]:
        done = await asyncio.to_thread(creditbot, "policy", "check", env=settings, cwd=tmp_path)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout

    slack.scopes.discard("channels:read")
    good, said = await check()
    assert (good, "\nThe policy is valid: 2 tiers, hash " in said) == (0, True), said
    assert "warning: The bot's scopes do not show whether it is in C0GLOBEX: invite it" in said
    rules = tmp_path / "rules.toml"
    slack.workspace.add_person(Person("U0GONE", "gone", "Gone", deleted=True))
    rules.write_text(POLICY.replace('"U0BOB"', '"U0GONE", "U0NOBODY"'))
    bad, said = await check()
    assert bad == 1
    assert "error: U0GONE is deactivated" in said
    assert "error: U0NOBODY is not in this workspace." in said
    rules.write_text(
        POLICY.replace(
            'approvers = ["U0ALICE", "U0BOB", "S0FINANCE"]\napprovals', 'approvers = ["S0FINANCE"]\napprovals'
        )
    )
    bad, said = await check()
    assert bad == 1
    assert "Tier large can never be approved" in said
    slack.workspace.add_channel("C0SECRET", "secret", bot_in=False, private=True)
    rules.write_text(
        POLICY.replace("C0GLOBEX", "C0NOWHERE") + '[[channels]]\nsubusers = ["x"]\nchannel = "C0SECRET"\n'
    )
    bad, said = await check()
    assert bad == 1
    for channel in ("C0NOWHERE", "C0SECRET"):
        assert f"error: Slack does not show the bot a channel {channel}: correct its ID, or invite" in said
    slack.faults.down = True
    good, said = await check()
    assert "warning: People could not be looked up: Slack can't be reached (" in said
    assert "Slack says" not in said
    assert "warning: Channels could not be looked up" in said


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (
            "plan_upgrade_required",
            "this workspace's plan has no user groups: list people in the policy instead.",
        ),
        ("missing_scope", "the app lacks the scope usergroups:read: add it and reinstall the app."),
        ("fatal_error", "try again in a minute."),
    ],
)
async def test_why_a_group_could_not_be_read_is_said(
    settings: dict[str, str], slack: SlackSandbox, tmp_path: Path, error: str, advice: str
) -> None:
    slack.faults.fail("usergroups.users.list", error=error)
    done = await asyncio.to_thread(creditbot, "policy", "check", env=settings, cwd=tmp_path)
    assert done.returncode == 1
    said = f"error: The members of user group S0FINANCE could not be read. Slack says {error}: {advice}"
    assert said in done.stdout.splitlines()


async def test_a_change_is_explained(settings: dict[str, str], tmp_path: Path) -> None:
    def explain(*words: str) -> tuple[int, str]:
        done = creditbot("policy", "explain", "--as", ALICE, *words, env=settings, cwd=tmp_path)
        return done.returncode, done.stdout + done.stderr

    status, said = await asyncio.to_thread(explain, "add", "acme", "5k")
    assert status == 0
    assert "Tier small does not cover it" in said
    assert "In S0FINANCE: U0CAROL." in said
    assert f"Its card goes to {APPROVALS}." in said
    status, said = await asyncio.to_thread(explain, "remove", "acme", "6,001")
    assert (status, "Rule: limits.per_request." in said) == (1, True)
    status, said = await asyncio.to_thread(explain, "add", "acme", "lots")
    assert (status, "lots is not an amount" in said) == (1, True)


async def test_a_policy_that_was_not_looked_up_is_not_said_to_be_wholly_good(
    settings: dict[str, str], tmp_path: Path
) -> None:
    del settings["SLACK_BOT_TOKEN"]
    unseen = "The rules of the policy are valid; people, groups and channels were not looked up."
    for flags, warning in (
        ([], "SLACK_BOT_TOKEN is not set; set it to look people up."),
        (["--offline"], "Slack was not asked (--offline)."),
    ):
        done = await asyncio.to_thread(creditbot, "policy", "check", *flags, env=settings, cwd=tmp_path)
        assert done.returncode == 0
        assert f"warning: {warning}" in done.stdout.splitlines()
        assert unseen in done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (("add", "acme", "50"), 0, "Tier small covers it"),
        (("add", "acme", "6001"), 1, "Rule: limits.per_request."),
    ],
)
async def test_a_change_is_explained_without_slack(
    settings: dict[str, str], tmp_path: Path, words: tuple[str, ...], status: int, sentence: str
) -> None:
    (tmp_path / "rules.toml").write_text(
        POLICY.replace('may_ask = ["U0ALICE", "U0BOB"]', 'may_ask = ["S0ASK"]')
    )
    command = ("policy", "explain", "--offline", "--as", ALICE, *words)
    done = await asyncio.to_thread(creditbot, *command, env=settings, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (status, "")
    assert done.stdout.startswith("The members of S0ASK, S0FINANCE were not looked up.\n")
    assert sentence in done.stdout


@pytest.mark.parametrize("actor", ["alice", "@alice", "S0FINANCE", "U", "U1 "])
async def test_nothing_is_explained_for_somebody_who_cannot_exist(tmp_path: Path, actor: str) -> None:
    words = ("policy", "explain", "--offline", "--as", actor, "add", "acme", "5")
    done = await asyncio.to_thread(creditbot, *words, env={"CREDITBOT_APPROVERS": "U1"}, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("--as is not a user ID, which looks like U0123ABCD")


async def test_the_export_is_nothing_but_the_events(company: Company) -> None:
    await company.ask("/credits add acme 50 =x")
    status, out, err = await company.bot.command_line("audit", "export", "--format", "jsonl")
    assert (status, err) == (0, "")
    assert len(out.splitlines()) == len(company.sql("SELECT 1 FROM events"))
    status, _, err = await company.bot.command_line("audit", "export", "--from", "soon")
    assert (status, err.strip()) == (2, "--from is not a date such as 2026-01-31.")
    status, _, err = await company.bot.command_line("audit", "verify", "--head", "f" * 64)
    assert status == 1
    assert "events have been removed or rewritten" in err
