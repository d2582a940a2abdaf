"""Opening a form for someone, or telling them what to do instead."""

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.domain.errors import DomainError
from creditbot.domain.markup import literal

from .errors import TROUBLE, error_code, fault_of
from .message import View

log = structlog.get_logger(__name__)


async def open_form(client: AsyncWebClient, trigger_id: str | None, view: View, instead: str) -> None:
    """Open a form; a trigger lasts for three seconds.

    Raises:
        DomainError: Slack did not open it. The sentence ends with what to do `instead`, if that may help.
    """
    try:
        await client.views_open(trigger_id=trigger_id or "", view=view)
    except TROUBLE as error:
        code, fault = error_code(error), fault_of(error)
        if not fault.lasting:
            log.warning("Slack did not open a form", error=code)
            raise DomainError(f"Slack did not open the form. {instead}") from error
        log.error("Slack refuses to open forms until the cause is fixed", error=code)  # noqa: TRY400
        raise DomainError(
            f"Slack did not open the form: it says {literal(code)}. Tell whoever runs creditbot. {instead}"
        ) from error
