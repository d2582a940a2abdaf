"""The text of `/credits …` becomes a typed command, before anything acts on it.

Grammar: one word says what to do, its arguments follow, separated by white space. What is missing opens
the form; what is wrong raises CommandError with a sentence that says what to type.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches

from . import amounts
from .errors import CommandError
from .fields import ACCOUNT_ID_PREFIX, MAX_NAME, MAX_REASON, reason, request_id, subuser_name
from .notation import plain
from .paging import History, Pending
from .text import quoted


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

NEEDS = {
    "balance": "one subuser, or none",
    "history": "one subuser, or none",
    "show": "a request's ID",
    "cancel": "a request's ID",
}
"""What stands behind a word that takes one thing."""


def parse(text: str) -> Command:
    """Read what Slack delivers as a slash command's text.

    Raises:
        CommandError: the text can't be read; the sentence says what to type instead.
    """
    lines = plain(text).strip().splitlines()
    _check_one_command(lines)
    word, _, rest = " ".join(" ".join(lines).split()).partition(" ")
    word = word.lower()
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
                raise CommandError(f"Type `{USAGE[word]}` with nothing after it.")
            return Pending() if word == "pending" else Help()
    raise CommandError(_unknown(word))


_ANOTHER = re.compile(r"\s*(?:/[\w-]+(?:\s|$)|(?:add|remove)\b|(?:cancel|show)\s+#?\d+\s*$)", re.IGNORECASE)
_INSIDE = re.compile(r"\s/[\w-]+\s+(?:add|remove)\s", re.IGNORECASE)


def _check_one_command(lines: list[str]) -> None:
    """Raise CommandError if commands were pasted together: the second would become the first one's reason."""
    if any(map(_ANOTHER.match, lines[1:])) or any(map(_INSIDE.search, lines)):
        raise CommandError(
            "This looks like more than one command, so nothing was done. Type one command at a time. If all "
            "of it is the reason, don't begin a line with `add`, `remove` or a command."
        )


def _unknown(word: str) -> str:
    near = get_close_matches(word, USAGE, n=1)
    hint = f" Did you mean `{USAGE[near[0]]}`?" if near else ""
    return f"Unknown command {quoted(word)}.{hint} `/credits help` lists the commands."


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
            "Name a customer account by its ID, which has letters and digits: `/credits balance "
            "account-id:12345`."
        )
    return ShowBalance(f"account-id {account}")


def _one(word: str, rest: str) -> str:
    if not rest or " " in rest:
        raise CommandError(f"`/credits {word}` needs {NEEDS[word]}. Type `{USAGE[word]}`.")
    return rest


def _change(word: str, rest: str) -> Ask | OpenForm:
    name, amount_text, reason_text = _three(rest)
    if name:
        name = subuser_name(name)
    if amount_text:
        value = amounts.amount(amount_text)
        if reason_text:
            return Ask(name, value if word == "add" else -value, reason(reason_text))
    return OpenForm(word, name, amount_text, "")


def _form(direction: str, rest: str) -> OpenForm:
    name, amount_text, reason_text = _three(rest)
    return OpenForm(direction, name[:MAX_NAME], amount_text[:40], reason_text[:MAX_REASON])


def _three(rest: str) -> tuple[str, str, str]:
    name, _, more = rest.partition(" ")
    return name, *amounts.split(more)
