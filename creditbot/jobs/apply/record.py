"""A known outcome is committed, whatever it takes: a success must not turn into doubt."""

import asyncio
from datetime import datetime

import structlog

from creditbot.domain.credits import PatchOutcome
from creditbot.domain.errors import WrongLedgerKey
from creditbot.domain.requests import CreditRequest
from creditbot.jobs.backoff import backoff
from creditbot.store import attempts, requests
from creditbot.store.attempts import OUTCOMES
from creditbot.store.database import AWAY, CommitUnclear, Database
from creditbot.store.types import to_millis

from .conclude import Conclude

MOST_RECORDINGS = 6
"""How often writing down an outcome is tried that fails for another reason than that the database is away."""

log = structlog.get_logger(__name__)


class Record:
    """Commits an attempt's outcome with what follows from it, and tries until that is done."""

    def __init__(self, database: Database, conclude: Conclude) -> None:
        self._database = database
        self._conclude = conclude

    async def __call__(
        self, request: CreditRequest, attempt_id: int, started: datetime, outcome: PatchOutcome
    ) -> None:
        """
        Raises:
            WrongLedgerKey: this process can never write it down, so the log has it for whoever settles it.
            Exception: it can't be written down for a reason that nobody foresaw; likewise.
        """
        about = {
            "request_id": request.id,
            "outcome": OUTCOMES[type(outcome)],
            "status": getattr(outcome, "status", None),
        }
        tries = 0
        while True:
            try:
                async with self._database.write(patience=10) as transaction:
                    current = await requests.get(transaction.connection, request.id)
                    attempt = await attempts.get(transaction.connection, attempt_id)
                    # It may be another's if ours was not written down, and concluded if a commit was unclear.
                    ours = attempt is not None and to_millis(attempt.started_at) == to_millis(started)
                    known = attempt is not None and attempt.outcome == OUTCOMES[type(outcome)]
                    if current is not None and ours and not known:
                        await self._conclude(transaction, current, attempt_id, started, outcome)
            except Exception as error:
                away = isinstance(error, (*AWAY, CommitUnclear))
                tries += 1
                if isinstance(error, WrongLedgerKey) or (tries >= MOST_RECORDINGS and not away):
                    log.error(  # noqa: TRY400 - of a wrong key the sentence says it all
                        "This process can't record an outcome. Make a note of it: if the request is in "
                        "doubt later, settle it accordingly with `creditbot requests settle`",
                        **about,
                        exc_info=None if isinstance(error, WrongLedgerKey) else error,
                        error=str(error),
                    )
                    raise
                log.warning(
                    "An outcome could not be recorded; trying again",
                    **about,
                    error=f"{type(error).__name__}: {error}",
                )
                await asyncio.sleep(backoff(tries - 1).total_seconds() / 4)
            else:
                return
