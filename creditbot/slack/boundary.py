"""The one place where an error on the way in from Slack becomes a sentence for a person."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from creditbot.domain.errors import (
    DomainError,
    MaybeTaken,
    NotAnswered,
    NotTaken,
    UnreadableRequest,
    WrongLedgerKey,
)

from .message import Message, sentence
from .payloads import UnreadablePayload

log = structlog.get_logger(__name__)

Say = Callable[[Message], Awaitable[None]]


@asynccontextmanager
async def boundary(say: Say, doing: str) -> AsyncIterator[None]:
    """Run a block; say a domain error's sentence, log anything else with an ID that the person is shown."""
    try:
        yield
    except DomainError as error:
        if isinstance(error, NotTaken | MaybeTaken | NotAnswered):
            log.warning(type(error).__name__, doing=doing, cause=str(error.__cause__ or "too late"))
        elif isinstance(error, WrongLedgerKey):
            log.error("Nothing can be accepted", doing=doing, why=error.sentence)  # noqa: TRY400 - not a fault here
        elif isinstance(error, UnreadableRequest):
            about = {"request_id": error.id, "columns": error.columns}
            log.error("A request can't be read", doing=doing, **about)  # noqa: TRY400 - the row is what is wrong
        await say(sentence(error.sentence))
    except UnreadablePayload:
        raise
    except asyncio.CancelledError:
        await say(
            sentence(
                "creditbot is restarting. Wait a minute, then check `/credits pending` before you try again."
            )
        )
        raise
    except Exception:
        error_id = secrets.token_hex(4)
        log.exception("An unexpected error", error_id=error_id, doing=doing)
        await say(unexpected(error_id))


def unexpected(error_id: str) -> Message:
    """What a person is told when nobody foresaw what happened."""
    return sentence(
        f"Something went wrong inside creditbot. Give whoever runs creditbot the error ID `{error_id}`, "
        "which is in the log. Before you try again, check `/credits pending` and `/credits history`."
    )
