"""Where a request can be seen."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A message in Slack; `ts` is None as long as it is not known to have been posted."""

    channel: str
    ts: str | None = None
