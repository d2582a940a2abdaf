"""The text of `/credits …` becomes a typed command, before anything acts on it.

Grammar: one word says what to do, its arguments follow, separated by white space. What is missing opens
the form; what is wrong raises CommandError with a sentence that says what to type.
"""

import re
from collections.abc import Callable
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


def parse(text: str) -> Command:
    """Read what Slack delivers as a slash command's text.

    Raises:
        CommandError: the text can't be read; the sentence says what to type instead.
    """
    lines = plain(text).strip().splitlines()
    _check_one_command(lines)
    name, _, rest = " ".join(" ".join(lines).split()).partition(" ")
    if not name:
        return ShowBalance(None)
    word = WORDS.get(name.lower())
    if word is None:
        raise CommandError(_unknown(name.lower()))
    return word.read(word, rest)


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


@dataclass(frozen=True, slots=True)
class Word:
    """A word that can be typed after `/credits`, with all there is to it.

    `read` turns what follows it into a command, or raises CommandError; where that takes one thing, `one`
    says which. `purpose` is what the help says that it is for.
    """

    name: str
    purpose: str
    read: Callable[["Word", str], Command]
    arguments: str = ""
    one: str = ""

    @property
    def usage(self) -> str:
        return f"/credits {self.name} {self.arguments}".strip()


def _balance(word: Word, rest: str) -> ShowBalance:
    if not rest:
        return ShowBalance(None)
    # Slack people write the header's own form too: "account-id 123".
    subject = re.sub(r"^account-id[: ]\s*", ACCOUNT_ID_PREFIX, rest, flags=re.IGNORECASE)
    subject = _one(word, subject)
    if not subject.startswith(ACCOUNT_ID_PREFIX):
        return ShowBalance(subuser_name(subject))
    account = subject.removeprefix(ACCOUNT_ID_PREFIX)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", account):
        raise CommandError(
            "Name a customer account by its ID, which has letters and digits: `/credits balance "
            "account-id:12345`."
        )
    return ShowBalance(f"account-id {account}")


def _change(word: Word, rest: str) -> Ask | OpenForm:
    name, amount_text, reason_text = _three(rest)
    if name:
        name = subuser_name(name)
    if amount_text:
        value = amounts.amount(amount_text)
        if reason_text:
            return Ask(name, value if word.name == "add" else -value, reason(reason_text))
    return OpenForm(word.name, name, amount_text, "")


def _request(_: Word, rest: str) -> OpenForm:
    name, amount_text, reason_text = _three(rest)
    return OpenForm("add", name[:MAX_NAME], amount_text[:40], reason_text[:MAX_REASON])


def _pending(word: Word, rest: str) -> Pending:
    _nothing(word, rest)
    return Pending()


def _history(word: Word, rest: str) -> History:
    return History(subuser_name(_one(word, rest)) if rest else None)


def _show(word: Word, rest: str) -> Show:
    return Show(request_id(_one(word, rest)))


def _cancel(word: Word, rest: str) -> Cancel:
    return Cancel(request_id(_one(word, rest)))


def _help(word: Word, rest: str) -> Help:
    _nothing(word, rest)
    return Help()


def _one(word: Word, rest: str) -> str:
    if not rest or " " in rest:
        raise CommandError(f"`/credits {word.name}` needs {word.one}. Type `{word.usage}`.")
    return rest


def _nothing(word: Word, rest: str) -> None:
    if rest:
        raise CommandError(f"Type `{word.usage}` with nothing after it.")


def _three(rest: str) -> tuple[str, str, str]:
    name, _, more = rest.partition(" ")
    return name, *amounts.split(more)


_WORDS = (
    Word(
        "balance",
        "the balance of a subuser, or of the parent account if you leave the name out; `account-id:12345` "
        "for a customer account",
        _balance,
        "[SUBUSER]",
        one="one subuser, or none",
    ),
    Word(
        "add",
        "ask for more credits, such as `/credits add acme 5000 Black Friday` (also `5,000`, `5k`, `1.5m`)",
        _change,
        "SUBUSER AMOUNT REASON",
    ),
    Word("remove", "ask to remove credits", _change, "SUBUSER AMOUNT REASON"),
    Word("request", "ask in a form; `add` and `remove` open it, too, if something is missing", _request),
    Word("pending", "open requests: those that wait for you, your own, then the others", _pending),
    Word(
        "history",
        "all requests, or those of one subuser, latest first",
        _history,
        "[SUBUSER]",
        one="one subuser, or none",
    ),
    Word("show", "everything about one request", _show, "ID", one="a request's ID"),
    Word(
        "cancel",
        "withdraw your own request, as long as it has not been sent",
        _cancel,
        "ID",
        one="a request's ID",
    ),
    Word("help", "this list", _help),
)

WORDS = {word.name: word for word in _WORDS}
"""All words, in the order in which the help lists them."""

USAGE = {word.name: word.usage for word in _WORDS}
