"""How the text of a command is read: one word says what to do, its arguments follow, by white space.

What is missing opens the form; what is wrong raises CommandError with a sentence that says what to type.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches

from creditbot.domain import amounts
from creditbot.domain.errors import CommandError
from creditbot.domain.markup import quoted
from creditbot.slack.notation import plain

_ANOTHER = re.compile(r"\s*(?:/[\w-]+(?:\s|$)|(?:add|remove)\b|(?:cancel|show)\s+#?\d+\s*$)", re.IGNORECASE)
_INSIDE = re.compile(r"\s/[\w-]+\s+(?:add|remove)\s", re.IGNORECASE)


def split(text: str) -> tuple[str, str]:
    """The first word, in small letters, and what follows it with single spaces; both empty if nothing does.

    Raises:
        CommandError: commands were pasted together.
    """
    lines = plain(text).strip().splitlines()
    _check_one_command(lines)
    name, _, rest = " ".join(" ".join(lines).split()).partition(" ")
    return name.lower(), rest


def _check_one_command(lines: list[str]) -> None:
    """Raise CommandError if commands were pasted together: the second would become the first one's reason."""
    if any(map(_ANOTHER.match, lines[1:])) or any(map(_INSIDE.search, lines)):
        raise CommandError(
            "This looks like more than one command, so nothing was done. Type one command at a time. If all "
            "of it is the reason, don't begin a line with `add`, `remove` or a command."
        )


def unknown(name: str, usage: Mapping[str, str]) -> str:
    """What is told to whoever typed a word that is none of these."""
    near = get_close_matches(name, usage, n=1)
    hint = f" Did you mean `{usage[near[0]]}`?" if near else ""
    return f"Unknown command {quoted(name)}.{hint} `/credits help` lists the commands."


def one(rest: str, what: str, usage: str) -> str:
    """The one word that follows a command: `what` it needs, and how to type it.

    Raises:
        CommandError: there is none, or there are several.
    """
    if not rest or " " in rest:
        command = " ".join(usage.split()[:2])
        raise CommandError(f"`{command}` needs {what}. Type `{usage}`.")
    return rest


def nothing(rest: str, usage: str) -> None:
    """Raise CommandError if something follows a command that takes nothing."""
    if rest:
        raise CommandError(f"Type `{usage}` with nothing after it.")


def change(rest: str) -> tuple[str, str, str]:
    """Name, amount and reason, each as it was typed; those are empty that are missing, and all after them."""
    name, _, more = rest.partition(" ")
    return name, *amounts.split(more)
