"""A request as it came over the wire, what it was found to mean, and what was answered."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote

Endpoint = Literal["user_credits", "subuser_credits", "update_remaining", "list_subusers", "scopes"]


@dataclass(frozen=True, slots=True)
class Incoming:
    """`target` is the request target byte for byte as the client wrote it; `headers` ignore case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` goes out as it is if it is bytes, else as JSON."""

    status: int
    body: object
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class Route:
    endpoint: Endpoint | None
    username: str | None = None


@dataclass(eq=False, slots=True)
class Call:
    """One request in the log of a sandbox.

    `path` is raw, with the query; `username` is the subuser of the path, decoded; `body` is the JSON value,
    or text if it isn't JSON, or None if there is none. `status` stays None while a call is under way, and
    for good if the client got no status line. `fault` names the fault that the call met.
    """

    method: str
    path: str
    username: str | None
    on_behalf_of: str | None
    body: object
    at: float
    status: int | None = None
    fault: str | None = None

    def __str__(self) -> str:
        behalf = f" on behalf of {self.on_behalf_of!r}" if self.on_behalf_of is not None else ""
        fault = f" ({self.fault})" if self.fault else ""
        return f"{self.method} {self.path}{behalf} {self.body!r} -> {self.status}{fault}"


def route(method: str, target: str) -> Route:
    """Finds the endpoint from the raw path, so that a name may hold an encoded `/`, `?` or `..`.

    A framework's router would match the decoded and normalised path, in which such names fall apart.
    """
    segments = target.partition("?")[0].split("/")
    match method, segments:
        case "GET", ["", "v3", "user", "credits"]:
            return Route("user_credits")
        case "GET", ["", "v3", "scopes"]:
            return Route("scopes")
        case "GET", ["", "v3", "subusers"]:
            return Route("list_subusers")
        case "GET", ["", "v3", "subusers", name, "credits"] if name:
            return Route("subuser_credits", unquote(name))
        case "PATCH", ["", "v3", "subusers", name, "credits", "remaining"] if name:
            return Route("update_remaining", unquote(name))
    return Route(None)


def logged(incoming: Incoming, at: float) -> Call:
    """The log entry of a request that isn't answered yet."""
    return Call(
        method=incoming.method,
        path=incoming.target,
        username=route(incoming.method, incoming.target).username,
        on_behalf_of=incoming.headers.get("on-behalf-of"),
        body=_readable(incoming.body),
        at=at,
    )


def _readable(body: bytes) -> object:
    if not body:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode(errors="replace")
