"""What a fault does to one request, down to the TCP connection."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf

from aiohttp import web

from creditbot.sandbox.sendgrid import bodies
from creditbot.sandbox.sendgrid.calls import Answer
from creditbot.sandbox.sendgrid.faults import Fault, Kind
from creditbot.sandbox.sendgrid.rates import LIMIT

POLL_SECONDS = 0.02
# Applied before the fault acts. `truncate_after` and `slow` need the answer, so they apply on their own.
APPLIED: frozenset[Kind] = frozenset({"drop_after", "hang_after", "status_after", "garbage_after"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """`status` is what the client could read, None if no status line was sent."""

    status: int | None
    response: web.StreamResponse


@dataclass(frozen=True, slots=True)
class Encounter:
    """A request that meets a fault.

    `apply` handles the request as if there were no fault; `rate_headers` go with each answer; `stopping`
    becomes true when the server stops, so that nothing waits any longer.
    """

    fault: Fault
    request: web.BaseRequest
    apply: Callable[[], Answer]
    rate_headers: dict[str, str]
    stopping: Callable[[], bool]


def reply(answer: Answer, rate_headers: dict[str, str]) -> Outcome:
    response = web.Response(
        status=answer.status,
        body=answer.content(),
        headers=answer.headers or rate_headers,
        content_type=answer.content_type,
    )
    return Outcome(answer.status, response)


async def meet(encounter: Encounter) -> Outcome:
    fault = encounter.fault
    if fault.kind in APPLIED or fault.options.get("applied", False):
        encounter.apply()
    return await ACTS[fault.kind](encounter)


async def _drop(encounter: Encounter) -> Outcome:
    if encounter.request.transport is not None:
        encounter.request.transport.close()
    # aiohttp wants a response; this one meets a closed connection and goes nowhere.
    return Outcome(None, web.Response())


async def _hang(encounter: Encounter) -> Outcome:
    await _pause(encounter, 30.0, until_client_leaves=True)
    return await _drop(encounter)


async def _status(encounter: Encounter) -> Outcome:
    options = encounter.fault.options
    body = options.get("body", bodies.error("something went wrong"))
    return reply(Answer(options.get("status", 500), body), encounter.rate_headers)


async def _garbage(encounter: Encounter) -> Outcome:
    body = encounter.fault.options.get("body", b'{"remain": 10, "tot')
    return reply(Answer(200, body), encounter.rate_headers)


async def _rate_limit(encounter: Encounter) -> Outcome:
    options = encounter.fault.options
    reset = options.get("reset", int(encounter.rate_headers["X-RateLimit-Reset"]))
    headers = {"X-RateLimit-Limit": str(LIMIT), "X-RateLimit-Remaining": "0"}
    if reset is not None:
        headers["X-RateLimit-Reset"] = str(reset)
    spell: dict[str, Callable[[str], str]] = {"documented": str, "lower": str.lower, "upper": str.upper}
    case = spell[options.get("header_case", "documented")]
    spelled = {case(name): value for name, value in headers.items()}
    return reply(Answer(429, bodies.error("too many requests"), spelled), encounter.rate_headers)


async def _truncate(encounter: Encounter) -> Outcome:
    answer = encounter.apply()
    content = answer.content()
    response = web.StreamResponse(status=answer.status, headers=encounter.rate_headers)
    response.content_type = answer.content_type
    response.content_length = len(content)
    await response.prepare(encounter.request)
    await response.write(content[: len(content) // 2])
    await _drop(encounter)
    return Outcome(answer.status, response)


async def _slow(encounter: Encounter) -> Outcome:
    await _pause(encounter, 1.0, until_client_leaves=False)
    if encounter.stopping():
        return await _drop(encounter)
    return reply(encounter.apply(), encounter.rate_headers)


async def _reset(encounter: Encounter) -> Outcome:
    transport = encounter.request.transport
    if transport is not None:
        # A linger time of zero makes the kernel send RST instead of FIN when the socket closes.
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    return Outcome(None, web.Response())


async def _pause(encounter: Encounter, default: float, *, until_client_leaves: bool) -> None:
    loop = asyncio.get_running_loop()
    options = encounter.fault.options
    until = options.get("until")
    ends = inf if until is not None else loop.time() + options.get("seconds", default)
    while loop.time() < ends and not encounter.stopping():
        if until is not None and until.is_set():
            return
        if until_client_leaves and encounter.request.transport is None:
            return
        await asyncio.sleep(POLL_SECONDS)


ACTS: dict[Kind, Callable[[Encounter], Awaitable[Outcome]]] = {
    "drop_before": _drop,
    "drop_after": _drop,
    "hang_before": _hang,
    "hang_after": _hang,
    "status_before": _status,
    "status_after": _status,
    "garbage_before": _garbage,
    "garbage_after": _garbage,
    "rate_limit": _rate_limit,
    "truncate_after": _truncate,
    "slow": _slow,
    "reset_connection": _reset,
}
