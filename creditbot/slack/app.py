"""The Bolt app: which payload goes to which listener."""

import logging
import re
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from . import answers, cards, folded, forms, lists
from .buttons import Buttons
from .commands import Commands
from .naming import Naming, NamingApp
from .pages import Pages
from .payloads import UnreadablePayload
from .proxied import through
from .submissions import Submissions

ANYTHING = re.compile(".*")

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
    """An app that acks when its listener returns, so that an ack is not kept waiting by a poll.

    `authorize` answers from the token at hand: Bolt would ask Slack, once for each first request, and
    tell people to install the app again if that fails.
    """
    token = client.token
    logger = logging.getLogger("slack_bolt")
    # Bolt finds SLACK_BOT_TOKEN in the environment and complains that it is not needed.
    logger.addFilter(lambda record: "`token` will be unused" not in record.getMessage())

    async def authorize(enterprise_id: str | None, team_id: str | None, **_: Any) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=token)

    app = NamingApp(
        naming,
        # Bolt sets the level of the logger of this name to that of the one it is given: not to ours.
        name="slack_bolt.creditbot",
        logger=logger,
        client=through(
            AsyncWebClient(base_url=client.base_url, session=client.session, retry_handlers=[]), client.proxy
        ),
        signing_secret="",
        authorize=authorize,
        process_before_response=True,
        # web.py has verified what comes over HTTP, before it was read; Socket Mode is authenticated.
        request_verification_enabled=False,
        ssl_check_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )
    # Listeners are matched in order: the command first, then the buttons, since people wait for these.
    app.command(naming.command)(commands.handle)
    app.command(ANYTHING)(commands.unknown)
    app.action(cards.APPROVE)(buttons.approve)
    app.action(cards.DENY)(buttons.deny)
    app.action(cards.CANCEL)(buttons.cancel)
    app.action(cards.WITHDRAW)(buttons.withdraw)
    app.action(cards.SETTLE_APPLIED)(buttons.settle_applied)
    app.action(cards.SETTLE_NOT_APPLIED)(buttons.settle_not_applied)
    app.action(cards.CHECK_AGAIN)(buttons.check_again)
    app.action(cards.REQUEST_AGAIN)(buttons.request_again)
    app.action(answers.ASK_ANYWAY)(buttons.ask_anyway)
    app.action(folded.SHOW)(buttons.show)
    app.action(lists.PAGE_BACK)(pages.turn)
    app.action(lists.PAGE_ON)(pages.turn)
    app.action(ANYTHING)(buttons.unknown)
    app.view(forms.ASK)(submissions.ask)
    app.view(forms.ASK_ANYWAY)(submissions.ask_anyway)
    app.view(forms.DENY)(submissions.deny)
    app.view(forms.SETTLE)(submissions.settle)
    app.view(forms.BREAK_GLASS)(submissions.break_glass)
    app.view(ANYTHING)(submissions.unknown)
    app.error(on_error)
    return app


async def on_error(error: Exception) -> BoltResponse:
    """What no listener's own boundary has caught: a payload that is not Slack's."""
    if isinstance(error, UnreadablePayload):
        log.warning("A payload could not be read", error=str(error))
        return BoltResponse(status=400, body="unreadable payload")
    log.error("An unexpected error", exc_info=error)
    return BoltResponse(status=500, body="")
