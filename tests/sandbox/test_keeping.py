"""What the sandbox keeps over an end and another start."""

from datetime import date
from pathlib import Path

from creditbot.sandbox.keeping import restore, save
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.sandbox.slack import SlackSandbox
from creditbot.sandbox.world import ALICE, GENERAL, furnish_sendgrid, furnish_slack


def furnished() -> tuple[SlackSandbox, SendGridSandbox]:
    slack, sendgrid = SlackSandbox(), SendGridSandbox()
    furnish_slack(slack)
    furnish_sendgrid(sendgrid, date(2026, 11, 22))
    return slack, sendgrid


def test_messages_and_balances_come_back(tmp_path: Path) -> None:
    slack, sendgrid = furnished()
    slack.say(ALICE, "hello", channel=GENERAL)
    slack.workspace.post(slack.workspace.direct_message(ALICE).id, slack.bot_user_id, text="told")
    acme = sendgrid.account.subuser("acme")
    assert acme is not None
    sendgrid.account.apply(acme, 5000)
    sendgrid.account.send_mail("acme", 200)
    save(tmp_path / "kept.json", slack, sendgrid)

    again, account = furnished()
    restore(tmp_path / "kept.json", again, account)
    assert [message.text for message in again.messages(GENERAL)] == ["hello"]
    assert [message.text for message in again.dm(ALICE)] == ["told"]
    found = account.account.subuser("acme")
    assert found is not None
    assert (found.remain, account.account.applied("acme")) == (6000, [5000])


def test_nothing_comes_back_where_nothing_was_kept(tmp_path: Path) -> None:
    slack, sendgrid = furnished()
    restore(tmp_path / "kept.json", slack, sendgrid)
    assert slack.messages(GENERAL) == []
