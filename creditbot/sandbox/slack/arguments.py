"""Reading the arguments of a Web API call, however they were sent.

https://docs.slack.dev/apis/web-api#basics: a form or JSON in the body, or a query.
"""

import json
from typing import Any

from aiohttp import web

from .model import Json, Refusal

STRUCTURED = frozenset({"blocks", "view", "attachments", "metadata"})
"""Arguments that hold JSON, which a form carries as a string."""


async def read_arguments(request: web.Request) -> Json:
    """All arguments of a call."""
    args: Json = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError:
            raise Refusal("invalid_json") from None
        if not isinstance(body, dict):
            raise Refusal("json_not_object")
        args |= body
    elif request.method == "POST":
        args |= {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
    for key in STRUCTURED & args.keys():
        args[key] = _structured(key, args[key])
    return args


def _structured(key: str, value: Any) -> Any:
    if not isinstance(value, str) or not value:
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise Refusal("invalid_blocks_format" if key == "blocks" else "invalid_arguments") from None


def required(args: Json, *names: str) -> list[str]:
    """The values of these arguments; Refusal where one is missing."""
    missing = [name for name in names if args.get(name) in (None, "")]
    if missing:
        raise Refusal("invalid_arguments", [f"missing required field: {name}" for name in missing])
    return [str(args[name]) for name in names]


def switched_on(args: Json, name: str) -> bool:
    """A yes or no, which a form carries as a word or a digit."""
    return str(args.get(name, "")).lower() in {"1", "true"}
