"""The bot as it is started in earnest, behind a proxy that has a login, with a `~/.netrc` in its home."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from creditbot.sandbox.bot import Bot
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.sandbox.world import BOB, furnish_slack
from tests.http_proxy import CERTIFICATE, HttpProxy
from tests.processes import creditbot
from tests.slack_over_tls import API, SlackOverTls

from .company import Company

PASSWORD, TYPED = "s3cr@t-w#rd", "s3cr%40t-w%23rd"
SENDGRID, SLACK, SOCKETS, HOOKS = "api.sendgrid.test", "slack.test", "wss.slack.test", "hooks.slack.test"


@pytest.fixture
async def slack() -> AsyncIterator[SlackOverTls]:
    async with SlackOverTls() as slack:
        furnish_slack(slack)
        yield slack


@pytest.fixture
async def proxy(slack: SlackOverTls, sendgrid: SendGridSandbox) -> AsyncIterator[HttpProxy]:
    at = {SENDGRID: int(sendgrid.url.rpartition(":")[2])}
    async with HttpProxy(
        at | dict.fromkeys((SLACK, SOCKETS, HOOKS), slack._port), f"bot:{PASSWORD}"
    ) as proxy:
        yield proxy


@pytest.fixture
async def company(
    slack: SlackOverTls,
    sendgrid: SendGridSandbox,
    proxy: HttpProxy,
    settings: dict[str, str],
    tmp_path: Path,
) -> AsyncIterator[Company]:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".netrc").write_text("default login x password y\n")
    (home / ".netrc").chmod(0o600)
    settings |= {
        "HOME": str(home),
        "SSL_CERT_FILE": str(CERTIFICATE),
        "HTTPS_PROXY": f"http://bot:{TYPED}@127.0.0.1:{proxy.port}",
        "SLACK_API_URL": API,
        "SENDGRID_API_URL": f"https://{SENDGRID}",
        "LOG_LEVEL": "DEBUG",
    }
    bot = Bot(settings, tmp_path)  # not forked: which certificates it trusts is read when Python starts
    await bot.start()
    yield Company(slack, sendgrid, bot)
    await bot.stop()


async def test_everything_goes_through_the_proxy_and_a_refused_change_is_sent_later_once(
    company: Company, proxy: HttpProxy
) -> None:
    card = await company.ask()
    assert {SENDGRID, SLACK, SOCKETS} <= set(proxy.tunnels)

    proxy.refusing[SENDGRID] = 403
    await company.slack.click(BOB, card, "Approve")
    await proxy.until(lambda: proxy.refused(SENDGRID))
    assert company.patches == []
    del proxy.refusing[SENDGRID]
    await company.card_says(card, "Applied: ")
    assert company.sendgrid.account.applied("acme") == [5000]
    assert len(company.patches) == 1

    assert "acme" in await company.say("/credits balance acme")
    assert HOOKS in proxy.tunnels
    assert {each.status for each in proxy.asked if each.host != SENDGRID} == {200}

    proxy.refusing[SOCKETS] = 403
    await company.slack.refresh_sockets()
    async with asyncio.timeout(60):
        while "Failed to connect" not in company.log():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.02)
    await company.bot.stop()
    path = company.bot.env["DATABASE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection:
        kept = "\n".join(connection.iterdump())
    assert "http://[redacted]127.0.0.1" in company.log()
    for form in (PASSWORD, TYPED):
        assert form not in kept
        assert form not in company.log()


def test_a_proxy_that_is_none_is_refused_at_the_start_in_one_line(
    settings: dict[str, str], tmp_path: Path
) -> None:
    settings["https_proxy"] = f"socks5://bot:{TYPED}@proxy.example:1080"
    ended = creditbot("serve", env=settings, cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr == (
        "https_proxy is wrong: it names a SOCKS proxy; creditbot knows only HTTP proxies, such as "
        "http://proxy.example:3128.\n"
    )
