"""The parts of a request as people write them: a subuser, a reason, an ID. Amounts are in `amounts.py`.

Commands and forms read them with the same functions; each raises CommandError with what to type instead.
"""

import re
import unicodedata

from . import secrecy
from .errors import CommandError, UnknownRequest
from .markup import WORD_JOINER, quoted
from .text import number, unseen

MAX_NAME = 128
MAX_REASON = 500
MAX_REQUEST_ID = 2**31 - 1
"""What an integer column holds; PostgreSQL fails at anything larger, even if it is only looked for."""

ACCOUNT_ID_PREFIX = "account-id:"


def subuser_name(text: str) -> str:
    """A subuser's name, as typed.

    SendGrid documents no rules for names, so only what can't be one, or could change the meaning of a
    path or a header, is refused. What `escape` puts into a name is taken out of one that was copied.
    """
    name = text.replace(WORD_JOINER, "").strip()
    if not name:
        raise CommandError("Enter the subuser's name as SendGrid spells it, such as `acme`.", "subuser")
    if len(name) > MAX_NAME:
        raise CommandError(
            f"A subuser's name has at most {MAX_NAME} characters; this one has {number(len(name))}. "
            "Type it as SendGrid spells it, such as `acme`.",
            "subuser",
        )
    secrecy.check(name, "subuser")
    if name.lower().startswith(ACCOUNT_ID_PREFIX):
        raise CommandError(
            "A customer account's credits can be read (`/credits balance account-id:12345`), not changed. "
            "Name a subuser.",
            "subuser",
        )
    if name.startswith(("@", "#")):
        raise CommandError(
            f"{quoted(name)} is a Slack name. Type the subuser's username in SendGrid, such as `acme`.",
            "subuser",
        )
    if name in {".", ".."} or any(_unfit(character) for character in name):
        raise CommandError(
            f"{quoted(name)} can't be a subuser's name: it has a slash, a space or an invisible character. "
            "Type the username as SendGrid spells it, such as `acme`.",
            "subuser",
        )
    return name


def no_name_fits(pattern: str) -> bool:
    """Whether a pattern has in it, or begins with, what no subuser's name that can be asked for has."""
    return pattern.lower().startswith((ACCOUNT_ID_PREFIX, "@", "#")) or any(map(_unfit, pattern))


def _unfit(character: str) -> bool:
    return character in "/\\" or character.isspace() or unseen(character)


MAX_OPERATOR = 64


def operator_name(text: str) -> str:
    """The name of who acts from the command line, in one line, as `reason` reads one."""
    seen = _in_one_line(text)
    if not seen or len(seen) > MAX_OPERATOR:
        raise CommandError(f"Say who you are with --by NAME, in at most {MAX_OPERATOR} characters.", "by")
    secrecy.check(seen, "by")
    return seen


WHY = "Give a reason in a few words, such as `Black Friday`. Approvers will read it."
WHY_CANCELLED = 'Give a reason in a few words, such as "Was sent before the backup". The ledger keeps it.'
HOW_YOU_KNOW = 'Say how you know, in a few words, such as "The console shows 1,200". The ledger keeps it.'


def reason(text: str, asked: str = WHY) -> str:
    """Why, in one line: white space is folded, what can't be seen is dropped, but for joiners in a word.

    `asked` is what is said to a person who gave none.
    """
    seen = _in_one_line(text)
    if not any(unicodedata.category(character)[0] in "LNSP" for character in seen):
        raise CommandError(asked, "reason")
    if len(seen) > MAX_REASON:
        raise CommandError(
            f"The reason has {number(len(seen))} characters; at most {MAX_REASON} fit. "
            "Shorten it to a few words, such as `Black Friday`.",
            "reason",
        )
    secrecy.check(seen, "reason")
    return seen


JOINERS = "\u200c\u200d"
"""Zero width non-joiner and joiner: they shape Persian and Indic words, and make one emoji of several."""


def _in_one_line(text: str) -> str:
    """A joiner is kept only behind a letter or a sign that is not ASCII: elsewhere it could but hide."""
    kept: list[str] = []
    for char in " ".join(text.split()):
        joins = char in JOINERS and bool(kept) and not kept[-1].isascii() and kept[-1] not in JOINERS
        if joins or not unseen(char):
            kept.append(char)
    return " ".join("".join(kept).split())


def request_id(text: str) -> int:
    """A request's number, with or without a # before it."""
    digits = text.strip().removeprefix("#")
    if not re.fullmatch(r"[0-9]{1,18}", digits):
        raise CommandError(
            f"{quoted(text)} is not a request ID, which is a number such as `12`. `/credits pending` lists "
            "the open requests with their IDs."
        )
    if int(digits) > MAX_REQUEST_ID:
        raise UnknownRequest(digits)
    return int(digits)
