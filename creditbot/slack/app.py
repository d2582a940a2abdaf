"""The Bolt app: a switchboard, and nothing that Bolt would try after it."""

import logging

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from .buttons import Buttons
from .naming import Naming
from .pages import Pages
from .payloads import UnreadablePayload
from .proxied import through
from .slash_commands import Commands
from .submissions import Submissions
from .switchboard import OTHERS, Switchboard

log = structlog.get_logger(__name__)


def build(
    *,
    client: AsyncWebClient,
    naming: Naming,
    commands: Commands,
    buttons: Buttons,
    submissions: Submissions,
    pages: Pages,
) -> AsyncApp:
    """An app that acks when its handler returns, so that an ack is not kept waiting by a poll."""
    logger = logging.getLogger("slack_bolt")
    # Bolt finds SLACK_BOT_TOKEN in the environment and complains that it is not needed.
    logger.addFilter(lambda record: "`token` will be unused" not in record.getMessage())
    app = AsyncApp(
        # Bolt sets the level of the logger of this name to that of the one it is given: not to ours.
        name="slack_bolt.creditbot",
        logger=logger,
        client=through(
            AsyncWebClient(
                token=client.token, base_url=client.base_url, session=client.session, retry_handlers=[]
            ),
            client.proxy,
        ),
        signing_secret="",
        # Before Bolt would ask Slack whose token this is.
        before_authorize=Switchboard(
            naming,
            commands=commands.handlers,
            buttons={**buttons.handlers, **pages.handlers, OTHERS: buttons.unknown},
            forms=submissions.handlers,
        ),
        process_before_response=True,
        # web.py has verified what comes over HTTP, before it was read; Socket Mode is authenticated.
        request_verification_enabled=False,
        ssl_check_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )
    app.error(on_error)
    return app


async def on_error(error: Exception) -> BoltResponse:
    """What no handler's own boundary has caught: a payload that is not Slack's."""
    if isinstance(error, UnreadablePayload):
        log.warning("A payload could not be read", error=str(error))
        return BoltResponse(status=400, body="unreadable payload")
    log.error("An unexpected error", exc_info=error)
    return BoltResponse(status=500, body="")
