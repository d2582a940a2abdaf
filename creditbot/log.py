"""Logging: one line an event, on standard error; secrets are taken out before anything is written."""

import json
import logging
import re
import sys
from collections.abc import Iterable

import structlog
from structlog.typing import Processor

NOISY = (
    "alembic",
    "asyncio",
    "httpx",
    "slack_bolt",
    "slack_sdk",
    "uvicorn",
)
"""Libraries whose every step is not worth a line."""

SILENT = ("procrastinate", "psycopg")
"""Libraries that log a traceback each time a database is away; the runner has a line for that."""

SOCKET_QUERY = re.compile(r"""(wss?://[^\s?"'<>]*\?)[^\s"'<>\\)]+""", re.IGNORECASE)
"""What follows the question mark in a WebSocket's address: Slack's has a ticket that opens the connection."""


def configure(level: str, secrets: Iterable[str] = ()) -> None:
    """Send structlog's and the standard library's records down the same way.

    People read a terminal; anything else gets JSON.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    terminal = sys.stderr.isatty()
    renderer: Processor = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    formatter = Redacting(
        secrets,
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for silent in SILENT:
        logging.getLogger(silent).setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


class Redacting(structlog.stdlib.ProcessorFormatter):
    """Works on the finished line, so that no way of logging gets past it."""

    def __init__(
        self, secrets: Iterable[str], *, foreign_pre_chain: list[Processor], processors: list[Processor]
    ) -> None:
        super().__init__(foreign_pre_chain=foreign_pre_chain, processors=processors)
        kept = {form for secret in secrets if len(secret) >= 4 for form in (secret, json.dumps(secret)[1:-1])}
        # The longest first, since one may be the beginning of another.
        self._secrets = sorted(kept, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        for secret in self._secrets:
            line = line.replace(secret, "[redacted]")
        return SOCKET_QUERY.sub(r"\1[redacted]", line)
