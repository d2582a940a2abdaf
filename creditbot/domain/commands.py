"""The text of `/credits …` becomes a typed command, before anything acts on it.

Grammar: one word says what to do, its arguments follow, separated by white space. What is missing opens
the form; what is wrong raises CommandError with a sentence that says what to type.
"""

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches

from .errors import CommandError
from .text import literal, number

MAX_AMOUNT = 1_000_000_000
MAX_NAME = 128
MAX_REASON = 500
ACCOUNT_ID_PREFIX = "account-id:"


@dataclass(frozen=True, slots=True)
class ShowBalance:
    """`on_behalf_of` is the header's value: a subuser's name, `account-id N`, or None for the parent."""

    on_behalf_of: str | None

    @property
    def is_subuser(self) -> bool:
        return self.on_behalf_of is not None and not self.on_behalf_of.startswith("account-id ")


@dataclass(frozen=True, slots=True)
class Ask:
    """A whole request: `allocation_update` is positive to add and negative to remove."""

    subuser: str
    allocation_update: int
    reason: str


@dataclass(frozen=True, slots=True)
class OpenForm:
    """Something is missing: open the form with what was given, as it was typed."""

    direction: str = "add"
    subuser: str = ""
    amount: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Pending:
    """List what waits."""


@dataclass(frozen=True, slots=True)
class History:
    """List the latest requests, of one subuser or of all."""

    subuser: str | None


@dataclass(frozen=True, slots=True)
class Show:
    """All that is known of one request."""

    request_id: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """Withdraw one's own request."""

    request_id: int


@dataclass(frozen=True, slots=True)
class Help:
    """What can be typed."""


Command = ShowBalance | Ask | OpenForm | Pending | History | Show | Cancel | Help

USAGE = {
    "balance": "/credits balance [SUBUSER]",
    "add": "/credits add SUBUSER AMOUNT REASON",
    "remove": "/credits remove SUBUSER AMOUNT REASON",
    "request": "/credits request",
    "pending": "/credits pending",
    "history": "/credits history [SUBUSER]",
    "show": "/credits show ID",
    "cancel": "/credits cancel ID",
    "help": "/credits help",
}


def parse(text: str) -> Command:
    """Read what Slack delivers as a slash command's text.

    Raises:
        CommandError: the text can't be read; the sentence says what to type instead.
    """
    word, _, rest = plain(text).strip().partition(" ")
    word, rest = word.lower(), rest.strip()
    match word:
        case "":
            return ShowBalance(None)
        case "balance":
            return _balance(rest)
        case "add" | "remove":
            return _change(word, rest)
        case "request":
            return _form("add", rest)
        case "history":
            return History(subuser_name(_one(word, rest)) if rest else None)
        case "show":
            return Show(request_id(_one(word, rest)))
        case "cancel":
            return Cancel(request_id(_one(word, rest)))
        case "pending" | "help":
            if rest:
                raise CommandError(f"`/credits {word}` takes nothing after it. Type `{USAGE[word]}`.")
            return Pending() if word == "pending" else Help()
    raise CommandError(_unknown(word))


def _unknown(word: str) -> str:
    near = get_close_matches(word, USAGE, n=1)
    hint = f" Did you mean `{USAGE[near[0]]}`?" if near else ""
    return f"{quoted(word)} is not something that creditbot does.{hint} `/credits help` lists what is."


def _balance(rest: str) -> ShowBalance:
    if not rest:
        return ShowBalance(None)
    # Slack people write the header's own form too: "account-id 123".
    subject = re.sub(r"^account-id[: ]\s*", ACCOUNT_ID_PREFIX, rest, flags=re.IGNORECASE)
    subject = _one("balance", subject)
    if not subject.startswith(ACCOUNT_ID_PREFIX):
        return ShowBalance(subuser_name(subject))
    account = subject.removeprefix(ACCOUNT_ID_PREFIX)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", account):
        raise CommandError(
            "A customer account is named by its ID, letters and digits: `/credits balance account-id:12345`."
        )
    return ShowBalance(f"account-id {account}")


def _one(word: str, rest: str) -> str:
    if not rest or " " in rest:
        raise CommandError(f"`/credits {word}` takes one thing after it. Type `{USAGE[word]}`.")
    return rest


def _change(word: str, rest: str) -> Ask | OpenForm:
    name, amount_text, reason_text = _three(rest)
    if name:
        name = subuser_name(name)
    if amount_text:
        value = amount(amount_text)
        if reason_text:
            return Ask(name, value if word == "add" else -value, reason(reason_text))
    return OpenForm(word, name, amount_text, "")


def _form(direction: str, rest: str) -> OpenForm:
    name, amount_text, reason_text = _three(rest)
    return OpenForm(direction, name[:MAX_NAME], amount_text[:40], reason_text[:MAX_REASON])


def _three(rest: str) -> tuple[str, str, str]:
    parts = [*rest.split(" ", 2), "", "", ""]
    return parts[0], parts[1], parts[2].strip()


def subuser_name(text: str) -> str:
    """A subuser's name, as typed.

    SendGrid documents no rules for names, so only what can't be one, or could change the meaning of a
    path or a header, is refused.
    """
    name = text.strip()
    if not name:
        raise CommandError("Name the subuser, as SendGrid spells it, such as `acme`.", "subuser")
    if len(name) > MAX_NAME:
        raise CommandError(
            f"A subuser's name has at most {MAX_NAME} characters; this one has {number(len(name))}. "
            "Type it as SendGrid spells it, such as `acme`.",
            "subuser",
        )
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
            f"{quoted(name)} can't be a subuser's name: it has a slash, a space or a character that can't "
            "be seen. Type the username as SendGrid spells it, such as `acme`.",
            "subuser",
        )
    return name


def _unfit(character: str) -> bool:
    return character in "/\\" or character.isspace() or _unseen(character)


BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters, marks and a Braille pattern by their category, which nevertheless show nothing."""


def _unseen(character: str) -> bool:
    return character in BLANKS or unicodedata.category(character).startswith("C")


AMOUNT = re.compile(
    r"(?P<digits>[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?P<fraction>\.[0-9]+)?(?P<unit>[km])?", re.IGNORECASE
)


def amount(text: str) -> int:
    """A positive whole number of credits: 5000, 5,000, 5k or 1.5m."""
    typed = text.strip()
    shown = quoted(typed)
    if not typed:
        raise CommandError("Say how many credits: a whole number such as `5000`.", "amount")
    wanted = "Type a whole number such as `5000`, `5,000`, `5k` or `1.5m`."
    found = AMOUNT.fullmatch(typed) if len(typed) <= 40 else None
    if found is None:
        if re.fullmatch(r"[-−–+].*", typed):
            raise CommandError(
                f"{shown} has a sign. Type the amount without it, after `add` or `remove`: "
                "`/credits remove SUBUSER 5000 REASON`.",
                "amount",
            )
        raise CommandError(f"{shown} is not an amount. {wanted}", "amount")
    factor = {"k": 1_000, "m": 1_000_000}.get((found["unit"] or "").lower(), 1)
    value = Decimal(found["digits"].replace(",", "") + (found["fraction"] or "")) * factor
    if value != value.to_integral_value():
        raise CommandError(f"{shown} is not a whole number of credits. {wanted}", "amount")
    if value == 0:
        raise CommandError(f"{shown} would change nothing. Type an amount of 1 or more.", "amount")
    if value > MAX_AMOUNT:
        raise CommandError(
            f"{shown} is too much: one request may change at most {number(MAX_AMOUNT)} credits.", "amount"
        )
    return int(value)


def reason(text: str) -> str:
    """Why, in one line: white space is folded, what can't be seen is dropped."""
    seen = " ".join("".join(char for char in " ".join(text.split()) if not _unseen(char)).split())
    if not any(unicodedata.category(character)[0] in "LNSP" for character in seen):
        raise CommandError(
            "Say why, in a few words, such as `Black Friday`: whoever approves will read it.", "reason"
        )
    if len(seen) > MAX_REASON:
        raise CommandError(
            f"The reason has {number(len(seen))} characters; at most {MAX_REASON} fit. "
            "Shorten it to a few words, such as `Black Friday`.",
            "reason",
        )
    return seen


def request_id(text: str) -> int:
    """A request's number, with or without a # before it."""
    digits = text.strip().removeprefix("#")
    if not re.fullmatch(r"[0-9]{1,18}", digits):
        raise CommandError(
            f"{quoted(text)} is not a request's ID, which is a number such as `12`. "
            "`/credits pending` lists the requests that wait, with their IDs."
        )
    return int(digits)


def quoted(text: str) -> str:
    """What a person typed, short enough to be quoted back; what can't be seen is shown as a box."""
    seen = "".join("□" if _unseen(char) else char for char in text)
    return literal(seen if len(seen) <= 40 else f"{seen[:40]}…")


_REFERENCE = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")


def plain(text: str) -> str:
    """Undo what Slack does to typed text: `<@U1|bo>` -> @bo, `<mailto:a@b.c|a@b.c>` -> a@b.c, `&amp;` -> &.

    A command with `should_escape` delivers people, channels and links in this notation, and a subuser
    may well be called `john@example.com`.
    Source: docs.slack.dev/interactivity/implementing-slash-commands and .../messaging/formatting-message-text
    """
    text = _REFERENCE.sub(_spelled_out, text)
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return re.sub(r"\s+", " ", text)


def _spelled_out(found: re.Match[str]) -> str:
    target, label = found[1], found[2]
    if target[:1] == "@":
        return f"@{label or target[1:]}"
    if target[:1] == "#":
        return f"#{label or target[1:]}"
    if target[:1] == "!":
        return label or f"@{target[1:].partition('^')[0]}"
    return label or target.removeprefix("mailto:")
