"""The daily digest as people see it. A pure function to a message."""

from datetime import datetime

from slack_sdk.models.blocks import Block

from creditbot.domain.digest import Digest
from creditbot.domain.text import count, literal, number, signed
from creditbot.store.types import from_millis

from .message import Message, context, header, moment, section

NAMED = 20
"""Subusers, and requests in doubt, that are named; the rest is counted."""

WORDS = ("applied", "failed", "denied", "cancelled", "expired", "refused")


def digest(found: Digest) -> Message:
    since: datetime = from_millis(found.since)
    happened = [_asked(found), f"{number(found.granted)} approved", *_ends(found)]
    lines = [f"Since {moment(since)}: {', '.join(happened)}."]
    if found.emergencies:
        lines.append(f"*Approved in an emergency*: {number(found.emergencies)}.")
    lines += _net(found)
    lines.append(f"Waiting for approval now: {number(found.waiting)}.")
    if found.in_doubt:
        named = ", ".join(str(request) for request in found.in_doubt[:NAMED])
        lines.append(f"*In doubt now*: {number(len(found.in_doubt))} (request {named}). See their cards.")
    if found.compared is not None:
        lines.append(_compared(found.compared, found))
    head = (
        f"The ledger has {count(found.events, 'event')}; its head is `{found.head}`. Later, "
        "`creditbot audit verify --head` with this head shows whether any of them was changed."
    )
    blocks: list[Block] = [header("Credit changes of the day"), section("\n".join(lines)), context(head)]
    return Message(" ".join(["Credit changes of the day.", *lines, head]), blocks)


def _asked(found: Digest) -> str:
    amounts = [signed(amount) for amount in (found.to_add, found.to_remove) if amount]
    credits_ = f" ({' and '.join(amounts)} credits)" if amounts else ""
    return f"{count(found.asked, 'new request')}{credits_}"


def _compared(compared: int, found: Digest) -> str:
    said = f"Balances compared with the ledger: {number(compared)}"
    if found.unread:
        said += f", and {number(found.unread)} could not be read"
    if not found.drifted:
        return f"{said}. Nothing stands out."
    return f"{said}. {number(found.drifted)} changed otherwise; the notice of the comparison has the figures."


def _ends(found: Digest) -> list[str]:
    return [f"{number(found.ends[word])} {word}" for word in WORDS if found.ends.get(word)]


def _net(found: Digest) -> list[str]:
    ordered = sorted(found.net.items(), key=lambda item: (-abs(item[1]), item[0]))
    if not ordered:
        return []
    named = ", ".join(f"{literal(name)} {signed(total)}" for name, total in ordered[:NAMED])
    others = f", and {count(len(ordered) - NAMED, 'other')}" if len(ordered) > NAMED else ""
    return [f"Applied, by subuser: {named}{others}."]
