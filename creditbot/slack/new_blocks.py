"""Blocks that Slack is still rolling out: a workspace that lacks them is told the same in plainer ones.

Slack answers `invalid_blocks` then, as for any block that is built wrongly. So a message with such blocks
brings plainer ones along, and whoever sends it tries these when the others are refused. What was refused is
not tried again for a day.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from creditbot.elapsed import boottime

from .bounds import Json

NEW = frozenset({"data_table", "data_visualization"})
REFUSED, VIEW_REFUSED = "invalid_blocks", "invalid_arguments"
"""What Slack says of blocks that it does not take: in a message, and in a view."""

PLAINER = "plainer"
"""The key of a message's payload or of a view under which its plainer blocks travel; Slack never sees it."""

DAY = 86_400.0
"""Seconds for which a refusal is remembered, in this process."""

_PLACE = re.compile(r"\[json-pointer:(?:/view)?/blocks/(\d+)")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tries:
    """What to send, and what to send instead if Slack answers with this refusal; None: nothing."""

    first: Json
    instead: Json | None = None
    refusal: str = REFUSED


class NewBlocks:
    """What one workspace is known not to take."""

    def __init__(self, clock: Callable[[], float] = boottime) -> None:
        self._clock = clock
        self._refused: dict[str, float] = {}

    def tries(self, payload: Json) -> Tries:
        """How to send a message, or a view, from the arguments of a call."""
        view = payload.get("view")
        if view is None:
            return self._tries(payload)
        tries = self._tries(view)
        if tries.first is view:
            return Tries(payload)
        instead = None if tries.instead is None else payload | {"view": tries.instead}
        return Tries(payload | {"view": tries.first}, instead, VIEW_REFUSED)

    def _tries(self, holder: Json) -> Tries:
        if PLAINER not in holder:
            return Tries(holder)
        first, instead = dict(holder), dict(holder)
        instead["blocks"] = instead.pop(PLAINER)
        del first[PLAINER]
        if any(self._refused_lately(kind) for kind in _new_in(first["blocks"])):
            return Tries(instead)
        return Tries(first, instead)

    def learn(self, refused: Json, said: Iterable[str] = ()) -> None:
        """Slack took the plainer blocks, so it was the new ones that it refused; it may have `said` which."""
        blocks, said = refused.get("view", refused)["blocks"], list(said)
        places = [int(place) for fault in said for place in _PLACE.findall(fault)]
        named = _new_in(blocks[place] for place in places if place < len(blocks))
        kinds = named or _new_in(blocks)
        log.warning(
            "Slack took plainer blocks for those that it refused", blocks=sorted(kinds), said=said[:5]
        )
        self._refused |= dict.fromkeys(kinds, self._clock())

    def _refused_lately(self, kind: str) -> bool:
        at = self._refused.get(kind)
        return at is not None and self._clock() - at < DAY


def without_new(payload: Json) -> Json:
    """A message where nobody is told whether it was taken, so that the new blocks can't be tried."""
    return NewBlocks().tries(payload).instead or payload


def _new_in(blocks: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    return NEW.intersection(block["type"] for block in blocks)
