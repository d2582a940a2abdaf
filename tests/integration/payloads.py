"""Payloads as Slack sends them, and what becomes of them on a bad day."""

import json
from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any
from urllib.parse import urlencode

FORM, JSON = "application/x-www-form-urlencoded", "application/json"

BUTTONS = (
    "approve",
    "deny",
    "cancel",
    "withdraw",
    "settle_applied",
    "settle_not_applied",
    "check_again",
    "request_again",
    "ask_anyway",
    "launch",
)
PAGES = {"page_on": "pending on 1 1", "page_back": "history back 0 1 acme"}

FORMS = {"deny": "{}", "settle": "{} applied", "break_glass": "{}"}
"""Their `private_metadata`, with what the card carries from which they are opened."""

OTHER_FORMS = {"ask": "{}", "ask_anyway": '{"question": "x"}', "surprise": "x"}
COMMANDS = (
    "",
    "help",
    "add acme 5000 x",
    "remove acme 5k",
    "cancel 1",
    "show 1",
    "history",
    "payload=1",
    "\u2066",
)

Payload = dict[str, Any]


def command(text: str, user: str) -> Payload:
    return {
        "command": "/credits",
        "text": text,
        "user_id": user,
        "team_id": "T0TEAM",
        "channel_id": "C0GENERAL",
        "trigger_id": "1.2.command",
        "response_url": "http://127.0.0.1:9/commands/1",
    }


def interaction(kind: str, user: str) -> Payload:
    return {
        "type": kind,
        "team": {"id": "T0TEAM", "domain": "team"},
        "user": {"id": user, "username": "user", "team_id": "T0TEAM"},
        "api_app_id": "A0APP",
        "trigger_id": f"1.2.{kind}",
    }


def click(action: str, value: str, user: str) -> Payload:
    return interaction("block_actions", user) | {
        "channel": {"id": "C0APPROVALS", "name": "approvals"},
        "message": {"ts": "1700000000.000100", "text": "x", "blocks": []},
        "container": {"type": "message", "message_ts": "1700000000.000100", "channel_id": "C0APPROVALS"},
        "response_url": "http://127.0.0.1:9/actions/1",
        "actions": [{"type": "button", "action_id": action, "block_id": "decision", "value": value}],
    }


def form(name: str, metadata: str, user: str) -> Payload:
    values = {
        "subuser": {"subuser": {"type": "plain_text_input", "value": "acme"}},
        "amount": {"amount": {"type": "plain_text_input", "value": "5000"}},
        "reason": {"reason": {"type": "plain_text_input", "value": "x"}},
        "direction": {"direction": {"type": "static_select", "selected_option": {"value": "add"}}},
    }
    view = {"id": "V1", "type": "modal", "callback_id": name, "private_metadata": metadata, "hash": "1.x"}
    return interaction("view_submission", user) | {"view": view | {"state": {"values": values}, "blocks": []}}


def samples(user: str, cards: list[str]) -> Iterator[Payload]:
    """`cards` are what the buttons of cards carry."""
    yield from (command(text, user) for text in COMMANDS)
    yield from (click(action, card, user) for action in BUTTONS for card in [*cards, "1"])
    yield from (click(action, value, user) for action, value in PAGES.items())
    yield from (form(name, given.format(card), user) for name, given in FORMS.items() for card in cards)
    yield from (form(name, given, user) for name, given in OTHER_FORMS.items())
    for kind in ("view_closed", "shortcut", "message_action", "block_suggestion", "event_callback"):
        yield interaction(kind, user)
    yield {"type": "url_verification", "challenge": "x", "token": "y"}


STRANGE: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    10**400,
    1.5,
    "",
    "\x00",
    "\ud800",
    "<!channel>",
    "' OR 1=1 --",
    "../..",
    "a" * 5000,
    [],
    [[]],
    {},
    {"id": {"id": []}},
)


def changed(payload: Payload, random: Random) -> Payload:
    """A copy with one to three changes."""
    copy = deepcopy(payload)
    for _ in range(random.randint(1, 3)):
        _change(copy, random)
    return copy


def mutated(payload: Payload, random: Random) -> tuple[bytes, str]:
    """One to three changes of the payload, then perhaps some of its bytes; and the content type."""
    body, content_type = encoded(changed(payload, random), random)
    if random.random() < 0.3:
        body = _bytes_changed(body, random)
    if random.random() < 0.1:
        content_type = random.choice([FORM, JSON, "", "text/plain", "application/json; charset=latin-1"])
    return body, content_type


def encoded(payload: Payload, random: Random) -> tuple[bytes, str]:
    if "command" in payload and random.random() < 0.9:
        fields = {
            key: value if isinstance(value, str) else json.dumps(value) for key, value in payload.items()
        }
        return urlencode(fields, errors="surrogatepass").encode(), FORM
    text = json.dumps(payload)
    if payload.get("type") == "url_verification":
        return text.encode(), JSON
    return urlencode({"payload": text}).encode(), FORM


def _change(payload: Payload, random: Random) -> None:
    """Take a place anywhere in it, and delete, replace, rename, nest or repeat what is there."""
    holder: Any = payload
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not keys:
            return
        key = random.choice(keys)
        if isinstance(holder[key], dict | list) and holder[key] and random.random() < 0.7:
            holder = holder[key]
            continue
        break
    match random.randrange(5):
        case 0:
            del holder[key]
        case 1:
            holder[key] = random.choice(STRANGE)
        case 2 if isinstance(holder, dict):
            holder[f"{key}x"] = holder.pop(key)
        case 3:
            for _ in range(random.choice([1, 3, 200])):
                holder[key] = [holder[key]]
        case _:
            holder[key] = [holder[key], holder[key]]


def _bytes_changed(body: bytes, random: Random) -> bytes:
    changed = bytearray(body)
    for _ in range(random.randint(1, 8)):
        if not changed:
            break
        place = random.randrange(len(changed))
        match random.randrange(3):
            case 0:
                changed[place] = random.randrange(256)
            case 1:
                del changed[place : place + random.randint(1, 20)]
            case _:
                changed[place:place] = random.choice([b"%", b"%00", b"&payload=", b"{", b"\xff", b'"'])
    return bytes(changed)
