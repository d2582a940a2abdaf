"""Through a real proxy: what is reached by it, what its failures mean, and that nothing else is believed."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import structlog
from slack_bolt.async_app import AsyncApp

from creditbot.bootstrap import Role, build
from creditbot.cli.policy_report import check
from creditbot.domain.credits import Applied, InDoubt, NotSent, PatchOutcome
from creditbot.domain.policy import Policy
from creditbot.domain.requests import Status
from creditbot.jobs.apply import Apply
from creditbot.network.proxies import Proxies
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.sandbox.slack import SlackSandbox
from creditbot.sendgrid.client import SendGrid
from creditbot.sendgrid.problems import SendGridProblem
from creditbot.service import Service
from creditbot.settings.environment import PolicySettings, Settings
from creditbot.slack.client import SlackClient
from creditbot.slack.connection import SocketConnection, TokenCheck
from creditbot.slack.message import Message
from creditbot.slack.naming import Naming
from creditbot.slack.new_blocks import NewBlocks
from creditbot.slack.proxied import through
from creditbot.slack.responder import Responder
from tests.http_proxy import Cut, Failure, HttpProxy, trust
from tests.slack_over_tls import API, SlackOverTls

from .adapters import CHANNEL, Bot, environ, patches
from .conftest import on_sqlite
from .test_probes import Monotonic

trust()

SENDGRID, SLACK, SOCKETS, HOOKS = "api.sendgrid.test", "slack.test", "wss.slack.test", "hooks.slack.test"
LOGIN, TYPED = "bot:s3cr@t-w#rd", "bot:s3cr%40t-w%23rd"
VARIABLES = [f"{name}_PROXY" for name in ("HTTP", "HTTPS", "ALL", "NO")]


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own proxies are nobody's."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home whose `~/.netrc` has a login for every host."""
    path = tmp_path / ".netrc"
    path.write_text("default login x password y\n")
    path.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NETRC", raising=False)


@pytest.fixture
async def slack() -> AsyncIterator[SlackOverTls]:
    async with SlackOverTls() as running:
        yield running


@pytest.fixture
async def proxy(sandbox: SendGridSandbox, slack: SlackSandbox) -> AsyncIterator[HttpProxy]:
    at = {SENDGRID: port_of(sandbox.url)} | dict.fromkeys((SLACK, SOCKETS, HOOKS), slack._port)
    async with HttpProxy(at, LOGIN) as running:
        yield running


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def with_login(proxy: HttpProxy, login: str = TYPED) -> str:
    return f"http://{login}@127.0.0.1:{proxy.port}"


@pytest.fixture
async def sendgrid(sandbox: SendGridSandbox, proxy: HttpProxy) -> AsyncIterator[SendGrid]:
    client = SendGrid.connect(sandbox.api_key, f"https://{SENDGRID}", 10.0, proxy=with_login(proxy))
    yield client
    await client.close()


async def outcome_of(client: SendGrid, proxy: HttpProxy) -> PatchOutcome:
    """What became of a change, told without the proxy's password."""
    outcome = await client.update_remaining("acme", 250)
    assert "s3cr" not in str(outcome)
    if isinstance(outcome, NotSent):
        assert f"127.0.0.1:{proxy.port}" in outcome.detail
    return outcome


async def test_reads_and_changes_go_through_it_with_its_login(
    sandbox: SendGridSandbox, proxy: HttpProxy, sendgrid: SendGrid
) -> None:
    assert (await sendgrid.subuser_credits("acme")).remain == 1000
    assert isinstance(await sendgrid.update_remaining("acme", 250), Applied)

    assert sandbox.account.applied("acme") == [250]
    assert proxy.tunnels == [SENDGRID, SENDGRID]
    assert {each.authorization for each in proxy.asked} == {f"Basic {b64encode(LOGIN.encode()).decode()}"}


@pytest.mark.parametrize(
    "failure", [400, 403, 404, 407, 429, 500, 502, 503, 504, 599, 201, "hang up", "silent"]
)
async def test_where_it_opens_no_tunnel_nothing_was_sent(
    sandbox: SendGridSandbox, proxy: HttpProxy, failure: int | Failure
) -> None:
    proxy.refusing[SENDGRID] = failure
    hasty = SendGrid.connect(
        sandbox.api_key, f"https://{SENDGRID}", 1.0 if failure == "silent" else 10.0, proxy=with_login(proxy)
    )

    outcome = await outcome_of(hasty, proxy)
    await hasty.close()

    assert isinstance(outcome, NotSent)
    if isinstance(failure, int):
        assert f"127.0.0.1:{proxy.port} refused it with {failure}" in outcome.detail
    assert sandbox.calls == []


async def test_a_proxy_that_is_not_there_means_that_nothing_was_sent(
    sandbox: SendGridSandbox, proxy: HttpProxy, sendgrid: SendGrid
) -> None:
    proxy._server.close()
    await proxy._server.wait_closed()

    assert await outcome_of(sendgrid, proxy) == NotSent(
        f"No connection to SendGrid (the proxy 127.0.0.1:{proxy.port} can't be reached)."
    )
    assert sandbox.calls == []


async def test_a_tunnel_to_somebody_else_means_that_nothing_was_sent(
    sandbox: SendGridSandbox, proxy: HttpProxy
) -> None:
    proxy.hosts["elsewhere.test"] = port_of(sandbox.url)
    client = SendGrid.connect(sandbox.api_key, "https://elsewhere.test", proxy=with_login(proxy))

    outcome = await outcome_of(client, proxy)
    await client.close()

    assert isinstance(outcome, NotSent)
    assert "ClientConnectorCertificateError, through the proxy" in outcome.detail
    assert sandbox.calls == []


@pytest.mark.parametrize(("cut", "applied"), [("before", []), ("after", [250])])
@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_a_proxy_that_dies_with_a_change_in_hand_leaves_a_doubt(
    sandbox: SendGridSandbox, proxy: HttpProxy, cut: Cut, applied: list[int], scheme: str
) -> None:
    client = SendGrid.connect(sandbox.api_key, f"{scheme}://{SENDGRID}", proxy=with_login(proxy))
    proxy.cut = cut

    outcome = await outcome_of(client, proxy)
    await client.close()

    assert isinstance(outcome, InDoubt)
    assert f", through the proxy 127.0.0.1:{proxy.port})" in outcome.detail
    assert sandbox.account.applied("acme") == applied


@pytest.mark.parametrize(
    ("status", "expected"), [(407, NotSent), (502, InDoubt), (503, InDoubt), (504, InDoubt)]
)
async def test_what_it_says_of_a_change_in_plain_http_is_no_proof_but_for_asking_for_a_login(
    sandbox: SendGridSandbox, proxy: HttpProxy, status: int, expected: type[PatchOutcome]
) -> None:
    client = SendGrid.connect(sandbox.api_key, f"http://{SENDGRID}", proxy=with_login(proxy))
    proxy.refusing[SENDGRID] = status

    outcome = await client.update_remaining("acme", 250)
    await client.close()

    assert type(outcome) is expected
    assert sandbox.calls == []


async def test_a_read_that_it_refuses_says_so_to_people_and_to_whoever_runs_creditbot(
    proxy: HttpProxy, sendgrid: SendGrid
) -> None:
    proxy.refusing[SENDGRID] = 403
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            with pytest.raises(SendGridProblem) as caught:
                await sendgrid.balance()
    said = f"the proxy 127.0.0.1:{proxy.port} refused it with 403 Forbidden"
    advice = "Whoever runs creditbot must have the proxy let it through, or set HTTPS_PROXY or NO_PROXY."
    assert str(caught.value) == f"SendGrid can't be reached ({said}). {advice}"
    assert caught.value.passing
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == [
        f"SendGrid can't be reached: {said}. Check HTTPS_PROXY and NO_PROXY."
    ]


async def test_a_read_for_which_it_finds_no_way_may_work_later(proxy: HttpProxy, sendgrid: SendGrid) -> None:
    proxy.refusing[SENDGRID] = 502
    with pytest.raises(
        SendGridProblem, match=r"refused it with 502 Bad Gateway\). Try again in a few minutes"
    ):
        await sendgrid.balance()


@on_sqlite
async def test_a_change_that_it_refused_is_tried_again_and_sent_once(
    bot: Bot, sandbox: SendGridSandbox, proxy: HttpProxy, sendgrid: SendGrid
) -> None:
    bot.apply = Apply(bot.database, sendgrid, bot.policy, bot.recheck, bot.clock, channel=CHANNEL)
    request = await bot.approved(250)
    await sendgrid.subuser_credits("acme")  # its tunnel stays for the next read, and for no change
    proxy.refusing[SENDGRID] = 407

    await bot.apply(request.id)
    attempt = await bot.last_attempt(request.id)
    assert attempt is not None
    assert attempt.outcome == "not_sent"
    assert await bot.status(request.id) is Status.APPLYING
    assert sandbox.account.applied("acme") == []

    del proxy.refusing[SENDGRID]
    bot.clock.advance(minutes=1)
    await bot.apply(request.id)

    assert await bot.status(request.id) is Status.APPLIED
    assert sandbox.account.applied("acme") == [250]
    assert len(patches(sandbox)) == 1
    assert "s3cr" not in str([dict(event) for event in await bot.events(request.id)])


def settings(url: str, slack: SlackSandbox, sandbox: SendGridSandbox, **more: str) -> Settings:
    approvers = {"CREDITBOT_APPROVERS": "U0ANN,S0FINANCE"}
    return Settings.from_environ(environ(url, slack, sandbox, **(approvers | more)))


@asynccontextmanager
async def looked(given: Settings, role: Role = Role.SERVE) -> AsyncIterator[tuple[Service, list[str]]]:
    """A service that has asked what it asks at the start, with the warnings and errors that came of it."""
    service = build(given, role)
    try:
        with structlog.testing.capture_logs() as logs:
            await service.prepare()
            await service.self_check()
        told = [entry for entry in logs if entry["log_level"] in {"warning", "error"}]
        yield service, [f"{entry['event']} {entry.get('error', '')}" for entry in told]
    finally:
        await service.close()


def methods(slack: SlackSandbox) -> set[str]:
    return {call.method for call in slack.calls}


@on_sqlite
async def test_a_login_for_every_host_in_netrc_is_not_even_read(
    netrc: None, url: str, slack: SlackOverTls, sandbox: SendGridSandbox
) -> None:
    async with looked(settings(url, slack, sandbox)) as (_, warnings):
        assert "auth.test" in methods(slack)
        assert not [line for line in warnings if "can't be reached" in line]
    client = SendGrid.connect(sandbox.api_key, sandbox.url)
    assert isinstance(await client.update_remaining("acme", 250), Applied)
    await client.close()


@on_sqlite
async def test_nothing_is_taken_from_the_processs_own_environment(
    url: str,
    slack: SlackOverTls,
    sandbox: SendGridSandbox,
    proxy: HttpProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with looked(settings(url, slack, sandbox)):
        assert "auth.test" in methods(slack)
        assert "/v3/scopes" in {call.path for call in sandbox.calls}


@on_sqlite
@pytest.mark.parametrize("direct", [(), ("slack",), ("sendgrid",), ("slack", "sendgrid")])
async def test_slack_and_sendgrid_are_reached_directly_where_no_proxy_says_so(
    url: str, slack: SlackOverTls, sandbox: SendGridSandbox, proxy: HttpProxy, direct: tuple[str, ...]
) -> None:
    at = {"slack": f"127.0.0.1:{slack._port}", "sendgrid": f"127.0.0.1:{port_of(sandbox.url)}"}
    environ = {"HTTP_PROXY": with_login(proxy), "NO_PROXY": ",".join(at[name] for name in direct)}

    async with looked(settings(url, slack, sandbox, **environ)):
        assert "auth.test" in methods(slack)
        assert "/v3/scopes" in {call.path for call in sandbox.calls}

    assert {each.host for each in proxy.asked} == {at[name] for name in at if name not in direct}
    assert {each.status for each in proxy.asked} <= {200}


@on_sqlite
async def test_what_is_asked_at_the_start_says_that_the_proxy_refused(
    url: str, slack: SlackOverTls, sandbox: SendGridSandbox, proxy: HttpProxy
) -> None:
    proxy.refusing = {SLACK: 403, SENDGRID: 407}
    by_name = {"SLACK_API_URL": API, "SENDGRID_API_URL": f"https://{SENDGRID}"}
    given = settings(url, slack, sandbox, HTTPS_PROXY=with_login(proxy), **by_name)
    said = {status: f"the proxy 127.0.0.1:{proxy.port} refused it with {status}" for status in (403, 407)}

    async with looked(given) as (service, warnings):
        assert service.web is not None
        asked = "SENDGRID_API_KEY could not be checked with SendGrid: SendGrid can't be reached"
        assert [line for line in warnings if line.startswith(f"{asked} ({said[407]} Proxy")]
        assert f"Slack can't be reached; going on {said[403]} Forbidden" in warnings
    assert "s3cr" not in str(warnings)


async def test_the_policy_is_looked_up_through_it(
    slack: SlackOverTls, proxy: HttpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_API_URL": API, "HTTPS_PROXY": with_login(proxy)}
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    policy = Policy.one_tier(["U0ANN"])

    report = await check(PolicySettings.from_environ(environ), policy, offline=False)
    assert "users.info" in methods(slack)
    assert proxy.tunnels[0] == SLACK

    proxy.refusing[SLACK] = 403
    report = await check(PolicySettings.from_environ(environ), policy, offline=False)
    assert f"(the proxy 127.0.0.1:{proxy.port} refused it with 403 Forbidden)" in report.unknown[0]


async def test_readiness_says_that_the_proxy_lets_nothing_through_to_slack(
    slack: SlackOverTls, proxy: HttpProxy
) -> None:
    clock = Monotonic()
    client = SlackClient(Naming(), NewBlocks(), token=slack.bot_token, base_url=API, retry_handlers=[])
    ready = TokenCheck(through(client, with_login(proxy)), clock)
    refused = f"Slack can't be reached: the proxy 127.0.0.1:{proxy.port} refused it with 403 Forbidden"
    for status, said in [(403, refused), (502, None), (403, refused)]:
        proxy.refusing[SLACK] = status
        clock.now += 61
        assert await ready() == said
    del proxy.refusing[SLACK]
    clock.now += 61
    assert await ready() is None


@asynccontextmanager
async def socket_mode(slack: SlackSandbox, api: str, proxies: Proxies) -> AsyncIterator[SocketConnection]:
    async with aiohttp.ClientSession() as session:
        client = SlackClient(
            Naming(), NewBlocks(), token=slack.bot_token, base_url=api, session=session, retry_handlers=[]
        )
        through(client, proxies.for_url(api))
        app = AsyncApp(signing_secret="", token=slack.bot_token)
        connection = SocketConnection(app, client, slack.app_token, proxies)
        try:
            yield connection
        finally:
            await connection.close()


async def opened(connection: SocketConnection) -> None:
    """It would try for ever."""
    async with asyncio.timeout(30):
        await connection.open()


async def test_socket_mode_goes_through_it(slack: SlackOverTls, proxy: HttpProxy) -> None:
    proxies = Proxies.of({"HTTPS_PROXY": with_login(proxy)})
    async with socket_mode(slack, API, proxies) as connection:
        await opened(connection)
        await slack.wait_for_socket()
        assert proxy.tunnels == [SLACK, SOCKETS]
        await slack.refresh_sockets()
        await proxy.until(lambda: proxy.tunnels.count(SOCKETS) == 2)
        await slack.until(lambda: slack.sockets == 1)


@pytest.mark.parametrize("direct", [False, True])
async def test_whether_a_socket_goes_through_it_is_judged_by_the_sockets_own_host(
    proxy: HttpProxy, *, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    async with SlackSandbox() as slack:
        proxy.hosts[SLACK] = slack._port
        environ = {"HTTP_PROXY": with_login(proxy), "NO_PROXY": "127.0.0.0/8" if direct else ""}
        async with socket_mode(slack, f"http://{SLACK}/api/", Proxies.of(environ)) as connection:
            await opened(connection)
            await slack.wait_for_socket()
        assert [each.host for each in proxy.asked] == [SLACK] + [f"127.0.0.1:{slack._port}"] * (not direct)


async def test_a_socket_that_is_not_open_says_that_the_proxy_refused(
    slack: SlackOverTls, proxy: HttpProxy
) -> None:
    proxy.refusing[SLACK] = 403
    async with socket_mode(slack, API, Proxies.of({"HTTPS_PROXY": with_login(proxy)})) as connection:
        opening = asyncio.create_task(connection.open())
        said = f": the proxy 127.0.0.1:{proxy.port} refused it with 403 Forbidden"
        async with asyncio.timeout(30):
            while await connection.trouble() != f"the Socket Mode connection is not open{said}":  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        del proxy.refusing[SLACK]
        await opening
        assert await connection.trouble() is None


@pytest.mark.parametrize("direct", [False, True])
async def test_an_answer_to_a_response_url_goes_through_it_unless_its_host_is_exempt(
    slack: SlackOverTls, proxy: HttpProxy, *, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    proxies = Proxies.of({"HTTPS_PROXY": with_login(proxy), "NO_PROXY": HOOKS if direct else ""})
    async with aiohttp.ClientSession() as session:
        client = SlackClient(
            Naming(), NewBlocks(), token=slack.bot_token, base_url=slack.api_url, session=session
        )
        responder = Responder(through(client, None), session, Naming(), NewBlocks(), proxies)
        await responder.answer(f"https://{HOOKS}/response/unknown", Message("Hello"))
    assert [(each.host, each.status) for each in proxy.asked] == [(HOOKS, 200)] * (not direct)
