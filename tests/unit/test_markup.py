"""How numbers, people and typed text are written for people."""

import html
import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditbot import domain
from creditbot.domain.markup import escape, literal, people, person, without_markup
from creditbot.domain.text import count, credits_, number, signed, span

typed_texts = st.text(max_size=60) | st.lists(
    st.sampled_from(["@here", "@Channel", "@everyone", "<!here>", "&", "&lt;", "`", "*", "@", "x"]),
    max_size=6,
).map("".join)


@pytest.mark.parametrize(
    ("value", "written", "with_sign"),
    [
        (0, "0", "+0"),
        (999, "999", "+999"),
        (5000, "5,000", "+5,000"),
        (-5000, "\u22125,000", "\u22125,000"),
        (1234567890, "1,234,567,890", "+1,234,567,890"),
    ],
)
def test_numbers_are_grouped_and_changes_carry_their_sign(value: int, written: str, with_sign: str) -> None:
    assert number(value) == written
    assert signed(value) == with_sign


def test_a_change_of_one_credit_is_singular_either_way() -> None:
    assert [credits_(n) for n in (1, -1, 2, 5000)] == [
        "+1 credit",
        "\u22121 credit",
        "+2 credits",
        "+5,000 credits",
    ]


def test_one_is_singular_and_nothing_else_is() -> None:
    assert [count(n, "approval") for n in (0, 1, 2, 1000)] == [
        "0 approvals", "1 approval", "2 approvals", "1,000 approvals",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.4, "second"),
        (1, "second"),
        (59.9, "59 seconds"),
        (60, "minute"),
        (119, "minute"),
        (41 * 60, "41 minutes"),
        (7199, "119 minutes"),
        (7200, "2 hours"),
        (172_799, "47 hours"),
        (172_800, "2 days"),
    ],
)
def test_a_span_of_time_is_said_in_units_that_tell_enough(seconds: float, written: str) -> None:
    assert span(timedelta(seconds=seconds)) == written


def test_people_and_user_groups_are_written_in_slacks_notation() -> None:
    assert person("U1") == "<@U1>"
    assert person("W1") == "<@W1>"
    assert person("S1") == "<!subteam^S1>"
    assert people(["U2", "S1", "U1"]) == "<@U2>, <!subteam^S1>, <@U1>"
    assert people([]) == ""


@pytest.mark.parametrize(
    ("typed", "escaped"),
    [
        ("R&D", "R&amp;D"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("&lt;", "&amp;lt;"),
        ("@here", "@\u2060here"),
        ("x@Channel.com", "x@\u2060Channel.com"),
        ("@EVERYONE", "@\u2060EVERYONE"),
        ("john@example.com", "john@example.com"),
        ("https://x.example/?a", "https:\u2060//x.example/?a"),
    ],
)
def test_typed_text_cannot_link_or_mention(typed: str, escaped: str) -> None:
    assert escape(typed) == escaped


@given(typed_texts)
def test_escaped_text_mentions_nobody_and_reads_as_it_was_typed(typed: str) -> None:
    escaped = escape(typed)
    assert not set(escaped) & set("<>`")
    assert not re.search("@(here|channel|everyone)", escaped, re.IGNORECASE)
    assert not re.search("&(?!amp;|lt;|gt;)", escaped)
    assert escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace(
        "\u2060", ""
    ) == typed.replace("\u2060", "").replace("`", "'")


@given(typed_texts)
def test_a_code_span_ends_only_where_it_should(typed: str) -> None:
    span = literal(typed)
    assert span[0] == span[-1] == "`"
    assert "`" not in span[1:-1]
    assert "<" not in span


@given(st.text(st.characters(exclude_characters="`*\u2060"), max_size=60))
def test_a_sentence_without_markup_reads_as_it_was_typed(typed: str) -> None:
    assert without_markup(f"*Denied*: {literal(typed)}.") == f"Denied: {typed}."
    assert without_markup(escape("@here")) == "@here"


def test_unescaping_is_done_once_only() -> None:
    assert without_markup(escape("&lt;")) == "&lt;"
    assert html.unescape(escape("&lt;")) == "&lt;"


SLACKS = re.compile(r"<[@#]|(?<!\?)<!|mrkdwn|&(?:amp|lt|gt);|subteam\^|!date")


def test_slacks_notation_is_known_to_one_module_of_the_domain() -> None:
    found = {
        path.name
        for path in Path(domain.__file__).parent.rglob("*.py")
        if SLACKS.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"markup.py"}
