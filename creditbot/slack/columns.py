"""Text in columns of characters of one width, for names of any script: how wide it is, cut and filled up.

Full-width characters take two columns, and marks none. Text from right to left is isolated, so that it stays
in its place and turns nothing around that stands beside it.
"""

import unicodedata

MORE = "…"

ISOLATE, END = "\u2068", "\u2069"
LEFT_TO_RIGHT = "\u200e"
"""What the direction of a line is taken from, if it comes first."""

_NO_WIDTH = frozenset({"Mn", "Me", "Cf"})
_FROM_RIGHT = frozenset({"R", "AL", "AN", "RLE", "RLO", "RLI"})


def width(text: str) -> int:
    """In columns."""
    return len(text) if text.isascii() else sum(map(_width_of, text))


def shortened(text: str, most: int) -> str:
    """At most so many columns, cut visibly and in the middle: names often differ only at their ends."""
    if width(text) <= most:
        return text
    end = _beginning(text[::-1], (most - 1) // 3)[::-1]
    # A mark whose letter is gone would stand on the sign of the cut.
    while end and not _width_of(end[0]):
        end = end[1:]
    return f"{_beginning(text, most - 1 - width(end))}{MORE}{end}"


def left(text: str, columns: int) -> str:
    """Filled up with spaces behind it."""
    return _isolated(text) + " " * (columns - width(text))


def right(text: str, columns: int) -> str:
    """Filled up with spaces before it."""
    return " " * (columns - width(text)) + _isolated(text)


def _width_of(character: str) -> int:
    if unicodedata.category(character) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _beginning(text: str, columns: int) -> str:
    """As many characters as fit, with the marks that belong to the last one."""
    for place, character in enumerate(text):
        columns -= _width_of(character)
        if columns < 0:
            return text[:place]
    return text


def _isolated(text: str) -> str:
    if not any(unicodedata.bidirectional(character) in _FROM_RIGHT for character in text):
        return text
    return f"{LEFT_TO_RIGHT}{ISOLATE}{text}{END}"
