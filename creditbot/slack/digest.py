"""The daily digest as people see it. A pure function to a message."""

from datetime import datetime

from creditbot.domain.digest import Digest
from creditbot.domain.markup import literal
from creditbot.domain.requests import Status
from creditbot.domain.text import count, number, signed
from creditbot.store.types import from_millis

from .cards.states import EMERGENCY, sign
from .message import Block, Message, context, header, moment, section

NAMED = 20
"""Subusers, and requests in doubt, that are named; the rest is counted."""

WORDS = ("applied", "failed", "denied", "cancelled", "expired", "refused")


def digest(found: Digest) -> Message:
    since: datetime = from_millis(found.since)
    happened = [_asked(found), f"{number(found.granted)} approved", *_ends(found)]
    lines = [f"Since {moment(since)}: {', '.join(happened)}."]
    if found.emergencies:
        lines.append(f"{EMERGENCY} *Approved in an emergency*: {number(found.emergencies)}.")
    lines += _net(found)
    lines.append(f"{sign(Status.PENDING)} Waiting for approval now: {number(found.waiting)}.")
    if found.in_doubt:
        each = "it" if len(found.in_doubt) == 1 else "each"
        named = ", ".join(str(request) for request in found.in_doubt[:NAMED])
        lines.append(
            f"{sign(Status.IN_DOUBT)} *In doubt now*: {count(len(found.in_doubt), 'request')} ({named}). "
            f"Settle {each} on its card."
        )
    if found.compared is not None:
        lines.append(_compared(found.compared, found))
    head = (
        f"The ledger has {count(found.events, 'event')}; its head is `{found.head}`. To check later that "
        "none of them was changed or removed, run `creditbot audit verify --head` with this head."
    )
    blocks: list[Block] = [header("Daily credit summary"), section("\n".join(lines)), context(head)]
    return Message(" ".join(["Daily credit summary.", *lines, head]), blocks)


def _asked(found: Digest) -> str:
    amounts = [signed(amount) for amount in (found.to_add, found.to_remove) if amount]
    credits_ = f" ({' and '.join(amounts)} credits)" if amounts else ""
    return f"{count(found.asked, 'new request')}{credits_}"


def _compared(compared: int, found: Digest) -> str:
    said = f"{count(compared, 'balance')} compared with the ledger"
    if found.unread:
        said += f", {number(found.unread)} could not be read"
    if not found.drifted:
        return f"{said}. Nothing stands out."
    return (
        f"{said}, {number(found.drifted)} with an unexpected change: the message about the comparison has "
        "the figures."
    )


def _ends(found: Digest) -> list[str]:
    return [f"{number(found.ends[word])} {word}" for word in WORDS if found.ends.get(word)]


def _net(found: Digest) -> list[str]:
    ordered = sorted(found.net.items(), key=lambda item: (-abs(item[1]), item[0]))
    if not ordered:
        return []
    named = ", ".join(f"{literal(name)} {signed(total)}" for name, total in ordered[:NAMED])
    others = f", and {count(len(ordered) - NAMED, 'other')}" if len(ordered) > NAMED else ""
    return [f"Applied, by subuser: {named}{others}."]
