"""What may come over a WebSocket and is no envelope as Slack sends it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from aiohttp import WSMsgType

from tests.integration.payloads import STRANGE, Payload, changed

LARGEST_MESSAGE = 4 * 1024 * 1024
"""More than this ends the connection over which it comes."""


@dataclass(frozen=True, slots=True)
class Frame:
    data: bytes
    kind: WSMsgType = WSMsgType.TEXT


Breaking = Callable[[Payload, Random], Frame]


def envelope(payload: Any, envelope_id: str) -> Payload:
    """As Slack sends it, if the payload is one."""
    kind = "interactive"
    if isinstance(payload, dict) and "command" in payload:
        kind = "slash_commands"
    elif isinstance(payload, dict) and payload.get("type") == "event_callback":
        kind = "events_api"
    return {
        "type": kind,
        "envelope_id": envelope_id,
        "payload": payload,
        "accepts_response_payload": kind != "events_api",
    }


def frame(message: Any) -> Frame:
    return Frame(json.dumps(message).encode())


def payload_changed(sound: Payload, random: Random) -> Frame:
    """The envelope is sound, and what is in it is not."""
    return frame(sound | {"payload": changed(sound["payload"], random)})


def envelope_changed(sound: Payload, random: Random) -> Frame:
    return frame(changed(sound, random))


def part_missing(sound: Payload, random: Random) -> Frame:
    gone = random.choice(list(sound))
    return frame({key: value for key, value in sound.items() if key != gone})


def part_strange(sound: Payload, random: Random) -> Frame:
    return frame(sound | {random.choice([*sound, "retry_attempt"]): random.choice(STRANGE)})


def type_strange(sound: Payload, random: Random) -> Frame:
    kinds = ["hello", "error", "message", "interactive ", "INTERACTIVE", "goodbye", "pong", "__class__"]
    return frame(sound | {"type": random.choice(kinds)})


def not_json(sound: Payload, random: Random) -> Frame:
    text = json.dumps(sound)
    broken = [
        "",
        "{",
        "{}",
        "{]",
        "{'type': 'interactive'}",
        "{" * 5,
        text[: random.randrange(len(text))],
        text + text,
        text.replace(":", "", 1),
        text.replace('"payload": {', '"payload": {"n": NaN, "i": -Infinity, ', 1),
        text.replace('"payload": {', '"payload": {"n": ' + "9" * 5000 + ", ", 1),
        "\ufeff" + text,
        " " + text,
        "\x00" + text,
        text.replace("e", "\\u", 1),
        "hello",
    ]
    return Frame(random.choice(broken).encode())


def no_object(sound: Payload, random: Random) -> Frame:
    return frame(random.choice([None, True, 5, "words", [], [sound], json.dumps(sound)]))


def deep(sound: Payload, random: Random) -> Frame:
    """Nested about as deep as Python reads, and far deeper."""
    depth = random.choice([random.randint(900, 1000), 5000, 100_000])
    filling = random.choice(["[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth])
    within = sound | {"payload": sound["payload"] | {"container": "@"}}
    place = random.choice([sound | {"payload": "@"}, within, "@", {"x": "@"}])
    return Frame(json.dumps(place).replace('"@"', filling).encode())


def large(sound: Payload, random: Random) -> Frame:
    more = {"text": "x" * random.choice([100_000, 1_000_000, LARGEST_MESSAGE - 100_000])}
    return frame(random.choice([sound | more, sound | {"payload": sound["payload"] | more}]))


def binary(sound: Payload, random: Random) -> Frame:
    data = random.choice([json.dumps(sound).encode(), b"", b"\xff\xfe", random.randbytes(1000)])
    return Frame(data, WSMsgType.BINARY)


def ping(sound: Payload, random: Random) -> Frame:
    return Frame(random.choice([b"", b"\xff", b"x" * 125]), WSMsgType.PING)


def characters_changed(sound: Payload, random: Random) -> Frame:
    data = bytearray(json.dumps(sound).encode())
    for _ in range(random.randint(1, 8)):
        data[random.randrange(len(data))] = random.randrange(128)
    return Frame(bytes(data))


BREAKINGS: tuple[Breaking, ...] = (
    envelope_changed,
    part_missing,
    part_strange,
    type_strange,
    not_json,
    no_object,
    deep,
    large,
    binary,
    ping,
    characters_changed,
)

ENDINGS = (
    Frame(b'{"type": "disconnect"}'),
    Frame(b"\xff\xff\xff", WSMsgType.CLOSE),
    Frame(b"\xff\xfe"),
    Frame(b'{"type": "disconnect", "reason": [], "debug_info": 5}'),
    Frame(b'{"x": "' + b"x" * LARGEST_MESSAGE + b'"}'),
    Frame(b"in the middle of nothing", WSMsgType.CONTINUATION),
    Frame(b"x" * 200, WSMsgType.PING),
)
"""What ends the connection, after which the bot has to come again."""
