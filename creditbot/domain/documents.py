"""JSON that lies somewhere as text, and may not be as we wrote it."""

import json
from typing import Any


def read_document(text: object) -> dict[str, Any] | None:
    """The object in a text; None of what is no text, no JSON, or something else than an object."""
    if not isinstance(text, str):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
