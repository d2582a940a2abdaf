"""Builds everything from the settings, once: the only place that knows all the parts."""

import asyncio
from datetime import UTC, datetime

import aiohttp
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.config import Settings
from creditbot.domain.policy import Policy
from creditbot.jobs import Apply, Check, Draw, Expire, Notify, Settle
from creditbot.operations import Decisions, Reading, Requests
from creditbot.probes import Probes
from creditbot.runners import EmbeddedRunner
from creditbot.sendgrid import SendGrid
from creditbot.service import Service
from creditbot.slack import app
from creditbot.slack.buttons import Buttons
from creditbot.slack.commands import Commands
from creditbot.slack.connection import SocketConnection, check_bot_token
from creditbot.slack.messenger import SlackMessenger
from creditbot.slack.people import Approvers
from creditbot.slack.responder import Responder
from creditbot.slack.submissions import Submissions
from creditbot.slack.tasks import Tasks
from creditbot.store import due, health
from creditbot.store.database import Database, WakeUp
from creditbot.store.tables import SCHEMA_VERSION
from creditbot.web import VerifyingHandler, Web

log = structlog.get_logger(__name__)


class NewerDatabase(Exception):
    """A later version of creditbot has laid the tables; the text says what to do."""


def now() -> datetime:
    return datetime.now(UTC)


def policy(settings: Settings) -> Policy:
    """The one-tier policy that the list of approvers makes."""
    groups = frozenset(identifier for identifier in settings.approvers if identifier.startswith("S"))
    return Policy(people=frozenset(settings.approvers) - groups, groups=groups)


async def prepare_database(url: str) -> None:
    """Lay the tables, or bring them up to date, if they are not."""
    database = Database(url)
    try:
        async with database.read() as connection:
            version = await health.schema_version(connection)
    finally:
        await database.close()
    if version is not None and version > SCHEMA_VERSION:
        raise NewerDatabase(
            f"DATABASE_URL: the database has the tables of version {version}, and this creditbot knows "
            f"{SCHEMA_VERSION}. Install the newer creditbot."
        )
    if version != SCHEMA_VERSION:
        from creditbot.migrate import migrate  # noqa: PLC0415 - half a second that a start seldom needs

        await asyncio.to_thread(migrate, url)


def build(settings: Settings) -> Service:
    """A service that is ready to run. Must be called inside a running event loop."""
    rules = policy(settings)
    database = Database(settings.database_url)
    session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10, sock_connect=3), trust_env=True)
    client = AsyncWebClient(
        token=settings.slack_bot_token.get_secret_value(),
        base_url=settings.slack_api_url,
        session=session,
        # A post that the client repeats unseen could show twice; jobs repeat what must be repeated.
        retry_handlers=[],
    )
    sendgrid = SendGrid.connect(
        settings.sendgrid_api_key.get_secret_value(), settings.sendgrid_url, settings.sendgrid_timeout
    )
    runner = database.waker = build_runner(database, sendgrid, SlackMessenger(client, rules))

    tasks = Tasks()
    responder = Responder(client, session)
    channel = settings.approvals_channel
    requests = Requests(database, rules, channel, now)
    decisions = Decisions(database, rules, Approvers(client, rules), now)
    secret = settings.slack_signing_secret.get_secret_value() if settings.slack_signing_secret else None
    bolt = app.build(
        client=client,
        commands=Commands(
            client=client,
            responder=responder,
            tasks=tasks,
            requests=requests,
            decisions=decisions,
            reading=Reading(database, sendgrid),
            channel=channel,
        ),
        buttons=Buttons(
            client=client,
            responder=responder,
            tasks=tasks,
            requests=requests,
            decisions=decisions,
            channel=channel,
        ),
        submissions=Submissions(
            responder=responder, tasks=tasks, requests=requests, decisions=decisions, channel=channel
        ),
    )
    app_token = settings.slack_app_token
    socket = SocketConnection(bolt, client, app_token.get_secret_value()) if app_token else None
    probes = Probes(database, socket)
    web = Web(
        VerifyingHandler(bolt, secret) if secret else None,
        {"/healthz": probes.alive, "/readyz": probes.ready, "/metrics": probes.metrics},
    )

    async def greet() -> None:
        if rules.nobody:
            log.warning(
                "CREDITBOT_APPROVERS is empty: nobody can approve anything. "
                "Set it to user IDs and user-group IDs, separated by commas, and start again."
            )
        await check_bot_token(client)

    async def close() -> None:
        await sendgrid.close()
        await session.close()
        await database.close()

    return Service(web=web, runner=runner, tasks=tasks, socket=socket, greet=greet, close=close)


def build_runner(database: Database, sendgrid: SendGrid, messenger: SlackMessenger) -> EmbeddedRunner:
    """The jobs by their names, and who finds what is due."""

    async def whatever_is_due() -> list[WakeUp]:
        async with database.read() as connection:
            return await due.due(connection, now())

    return EmbeddedRunner(
        {
            "check": Check(database, sendgrid, now).__call__,
            "apply": Apply(database, sendgrid, now).__call__,
            "settle": Settle(database, sendgrid, now).__call__,
            "expire": Expire(database, now).__call__,
            "draw": Draw(database, messenger, now).__call__,
            "notify": Notify(database, messenger, now).__call__,
        },
        whatever_is_due,
    )
