"""Builds everything from the settings, once: the only place that knows all the parts."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum

import aiohttp
import structlog
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.domain.policy import Policy
from creditbot.domain.secrecy import Secrets
from creditbot.domain.who import Directory
from creditbot.jobs import Parts
from creditbot.jobs.rates import rates
from creditbot.operations import (
    Clicks,
    Creator,
    Decider,
    Decisions,
    Followers,
    Names,
    Queries,
    Refusals,
    Requests,
    Settlements,
)
from creditbot.probes import Probe, Probes
from creditbot.runners import EmbeddedRunner, Runner
from creditbot.runners.embedded import Run
from creditbot.sendgrid.client import SendGrid
from creditbot.service import Service
from creditbot.settings.environment import Settings
from creditbot.settings.policy import policy_of
from creditbot.slack import app
from creditbot.slack.buttons import Buttons
from creditbot.slack.client import SlackClient
from creditbot.slack.connection import SocketConnection, TokenCheck, check_bot_token, learn_workspace
from creditbot.slack.home import Home
from creditbot.slack.messenger import SlackMessenger
from creditbot.slack.naming import Naming
from creditbot.slack.new_blocks import NewBlocks
from creditbot.slack.outgoing import Kinds, Tools
from creditbot.slack.pages import Pages
from creditbot.slack.people import Groups
from creditbot.slack.proxied import through
from creditbot.slack.responder import Responder
from creditbot.slack.slash_commands import Commands
from creditbot.slack.submissions import Submissions
from creditbot.slack.tasks import Tasks
from creditbot.startup.policy import activate
from creditbot.startup.self_check import self_check
from creditbot.store.clock import ServerClock
from creditbot.store.database import Database, Waker
from creditbot.store.engines import is_postgres
from creditbot.store.room import Room
from creditbot.store.work import WakeUp
from creditbot.web import VerifyingHandler, Web

from . import jobs

Clock = Callable[[], datetime]

log = structlog.get_logger(__name__)


def local_now() -> datetime:
    return datetime.now(UTC)


class Role(Enum):
    """What a process does: which ways in from Slack it has, and whether it does the jobs."""

    SERVE = "serve"  # both, in one process
    WEB = "web"  # Slack over HTTP
    SOCKET = "socket"  # Slack over Socket Mode
    WORKER = "worker"  # the jobs


def build(settings: Settings, role: Role = Role.SERVE) -> Service:
    """A service that is ready to run. Must be called inside a running event loop.

    Raises:
        ConfigError: the policy's file can't be read, or is wrong.
    """
    policy = policy_of(settings)
    database = Database(settings.database_url, keys=settings.ledger_keys)
    # SQLite's processes are all on one machine, and have its clock anyway.
    server_clock = ServerClock(database) if is_postgres(settings.database_url) else None
    now = server_clock or local_now
    proxies = settings.proxies
    session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10, sock_connect=3))
    naming = Naming(settings.command)
    new_blocks = NewBlocks()
    client = SlackClient(
        naming,
        new_blocks,
        token=settings.slack_bot_token.value,
        base_url=settings.slack_api_url,
        session=session,
        # A post that the client repeats unseen could show twice; jobs repeat what must be repeated.
        retry_handlers=[],
    )
    through(client, proxies.for_url(settings.slack_api_url))
    sendgrid = SendGrid.connect(
        settings.sendgrid_api_key.value,
        settings.sendgrid_url,
        settings.sendgrid_timeout,
        proxy=proxies.for_url(settings.sendgrid_url),
    )
    directory = Groups(client, policy)
    home = Home()
    runner: Runner | None = None
    if role in {Role.SERVE, Role.WORKER}:
        parts = Parts(
            database=database,
            sendgrid=sendgrid,
            messenger=SlackMessenger(client),
            kinds=Kinds(Tools(policy, directory, home.links, now)),
            rates=rates(settings.posts_per_second),
            policy=policy,
            directory=directory,
            channel=settings.approvals_channel,
            clock=now,
        )
        database.waker = runner = build_runner(parts, settings.database_url)
    else:
        database.waker = build_waker(settings.database_url)

    tasks = Tasks()
    bolt = build_app(
        database,
        sendgrid,
        client,
        home,
        naming=naming,
        policy=policy,
        directory=directory,
        channel=settings.approvals_channel,
        responder=Responder(client, session, naming, new_blocks, proxies),
        tasks=tasks,
        now=now,
        secrets=Secrets.of(settings.secrets()),
    )
    socket = None
    if role in {Role.SERVE, Role.SOCKET} and settings.slack_app_token is not None:
        socket = SocketConnection(bolt, client, settings.slack_app_token.value, proxies)
    probes = build_probes(settings, database, client, runner, socket)
    web = build_web(settings, probes, bolt) if role in {Role.SERVE, Role.WEB} else None

    keeping: list[asyncio.Task[None]] = []

    async def prepare() -> None:
        if policy.nobody_approves:
            log.warning(
                "CREDITBOT_APPROVERS is empty: nobody can approve anything. Set it to user IDs and "
                "user-group IDs, separated by commas, and restart."
            )
        if settings.approvers and policy != Policy.one_tier(settings.approvers):
            log.warning("There is a policy file, so CREDITBOT_APPROVERS is ignored; remove that setting")
        if server_clock is not None:
            await server_clock.try_compare()
            keeping.append(asyncio.create_task(server_clock.keep()))
        await check_bot_token(client, home)
        keeping.append(asyncio.create_task(learn_workspace(client, home)))
        await activate(database, policy, settings.approvals_channel, now)

    async def check() -> None:
        await self_check(sendgrid, client, policy, settings.approvals_channel, works=runner is not None)

    async def close() -> None:
        for task in keeping:
            task.cancel()
        await sendgrid.close()
        await session.close()
        await database.close()

    return Service(
        web=web, runner=runner, tasks=tasks, socket=socket, prepare=prepare, self_check=check, close=close
    )


def build_app(
    database: Database,
    sendgrid: SendGrid,
    client: AsyncWebClient,
    home: Home,
    *,
    naming: Naming,
    policy: Policy,
    directory: Directory,
    channel: str,
    responder: Responder,
    tasks: Tasks,
    now: Clock,
    secrets: Secrets,
) -> AsyncApp:
    """The listeners, and what they ask of the house."""
    refusals, creator = Refusals(), Creator(policy, channel, now)
    requests = Requests(database, creator, policy, directory, now, refusals=refusals, secrets=secrets)
    followers = Followers(database, creator, policy, directory, now, refusals=refusals)
    decider = Decider(database, policy, directory, now, refusals=refusals)
    decisions = Decisions(database, decider, policy, channel, now, secrets=secrets)
    settlements = Settlements(decider, policy, now, secrets=secrets)
    queries = Queries(database, sendgrid, policy, directory, now)
    buttons = Buttons(
        client=client,
        home=home,
        responder=responder,
        tasks=tasks,
        requests=requests,
        followers=followers,
        decisions=decisions,
        settlements=settlements,
        clicks=Clicks(database, refusals, now, secrets=secrets),
        queries=queries,
    )
    pages = Pages(home=home, responder=responder, tasks=tasks, queries=queries, strange=buttons.unknown)
    return app.build(
        client=client,
        naming=naming,
        commands=Commands(
            client=client,
            home=home,
            responder=responder,
            tasks=tasks,
            requests=requests,
            decisions=decisions,
            queries=queries,
            pages=pages,
            name=naming.command,
        ),
        buttons=buttons,
        pages=pages,
        submissions=Submissions(
            home=home,
            responder=responder,
            tasks=tasks,
            requests=requests,
            decisions=decisions,
            settlements=settlements,
            names=Names(database, sendgrid, policy, directory),
        ),
    )


def build_probes(
    settings: Settings,
    database: Database,
    client: AsyncWebClient,
    runner: Runner | None,
    socket: SocketConnection | None,
) -> Probes:
    """What a process of these parts can't be without."""
    checks: list[Probe] = [Room(settings.database_url, database)]
    if runner is not None:
        checks.append(runner.trouble)
    checks.append(TokenCheck(client) if socket is None else socket.trouble)
    return Probes(database, checks)


def build_web(settings: Settings, probes: Probes, bolt: AsyncApp) -> Web:
    """Slack's route, if requests can be verified, and the probes."""
    secret = settings.slack_signing_secret.value if settings.slack_signing_secret else None
    return Web(
        VerifyingHandler(bolt, secret) if secret else None,
        {"/healthz": probes.alive, "/readyz": probes.ready, "/metrics": probes.metrics},
    )


def build_runner(parts: Parts, url: str) -> Runner:
    """Who finds what is due and does it: the database decides which."""
    database = parts.database

    async def whatever_is_due() -> list[WakeUp]:
        await database.people_first()
        async with database.read() as connection:
            return await jobs.due(connection, parts.clock())

    def after_people(run: Run) -> Run:
        async def work(key: int) -> None:
            await database.people_first()
            await run(key)

        return work

    runs = {work: after_people(run) for work, run in jobs.build(parts).items()}
    if is_postgres(url):
        from creditbot.runners.procrastinate import ProcrastinateRunner  # noqa: PLC0415 - an optional extra

        return ProcrastinateRunner(url, runs, whatever_is_due)
    return EmbeddedRunner(runs, whatever_is_due)


def build_waker(url: str) -> Waker | None:
    """How a process without jobs wakes those that have them; on SQLite they look every second."""
    if is_postgres(url):
        from creditbot.runners.procrastinate import ProcrastinateQueue  # noqa: PLC0415 - an optional extra

        return ProcrastinateQueue(url)
    return None
