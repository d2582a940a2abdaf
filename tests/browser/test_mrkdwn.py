"""The parser of Slack's mrkdwn, asked in the browser for its tree."""

from typing import Any

import pytest

from .seat import Seat

pytestmark = pytest.mark.asyncio(loop_scope="session")


def text(value: str) -> dict[str, Any]:
    return {"kind": "text", "text": value}


TREES: list[tuple[str, list[dict[str, Any]]]] = [
    ("plain", [text("plain")]),
    ("*bold*", [{"kind": "bold", "children": [text("bold")]}]),
    (
        "_so_ ~so~",
        [
            {"kind": "italic", "children": [text("so")]},
            text(" "),
            {"kind": "strike", "children": [text("so")]},
        ],
    ),
    ("2*3*4 and snake_case_name", [text("2*3*4 and snake_case_name")]),
    ("* not bold *", [text("* not bold *")]),
    ("`*a* &lt;b&gt;`", [{"kind": "code", "text": "*a* <b>"}]),
    ("a\nb", [text("a"), {"kind": "break"}, text("b")]),
    ("&gt; said\nover", [{"kind": "quote", "children": [text("said")]}, text("over")]),
    ("```\nx < y\n```", [{"kind": "pre", "text": "x < y"}]),
    (
        "<@U1> <@U1|ann>",
        [{"kind": "user", "id": "U1"}, text(" "), {"kind": "user", "id": "U1", "label": "ann"}],
    ),
    ("<#C1|general>", [{"kind": "channel", "id": "C1", "label": "general"}]),
    ("<!subteam^S1>", [{"kind": "group", "id": "S1"}]),
    ("<!here>", [{"kind": "broadcast", "name": "here"}]),
    ("<https://a.b/?x=1&amp;y=2|it>", [{"kind": "link", "url": "https://a.b/?x=1&y=2", "text": "it"}]),
    ("<javascript:alert(1)|it>", [text("<javascript:alert(1)|it>")]),
    ("&amp;lt;", [text("&lt;")]),
    (
        "<!date^60^{date_short}|then>",
        [{"kind": "date", "seconds": 60, "format": "{date_short}", "fallback": "then"}],
    ),
]


async def test_mrkdwn_is_read_as_slack_reads_it(seat: Seat) -> None:
    parse = "async (text) => (await import('/static/mrkdwn.js')).parse(text)"
    for written, tree in TREES:
        found = await seat.page.evaluate(parse, written)
        assert without_nothing(found) == tree, written


def without_nothing(value: Any) -> Any:
    """JavaScript's `undefined` arrives as None."""
    if isinstance(value, list):
        return [without_nothing(item) for item in value]
    if isinstance(value, dict):
        return {key: without_nothing(item) for key, item in value.items() if item is not None}
    return value
