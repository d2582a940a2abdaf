"""Web addresses in what people typed: links that are what they say."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from creditbot.slack.addresses import parts
from creditbot.slack.message import Message, typed

from .test_commands import typed_texts


def links(text: str) -> list[str]:
    return [part.text for part in parts(text) if part.address]


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("see https://jira.example/OPS-12", ["https://jira.example/OPS-12"]),
        ("https://jira.example/OPS-12, please.", ["https://jira.example/OPS-12"]),
        ("(https://jira.example/a_(b))", ["https://jira.example/a_(b)"]),
        ("HTTPS://Jira.example:8443/x?a=1&b=[2]#c", ["HTTPS://Jira.example:8443/x?a=1&b=[2]#c"]),
        ("http://a.example and http://b.example", ["http://a.example", "http://b.example"]),
        ("https://xn--bnk-5cd.example", ["https://xn--bnk-5cd.example"]),
    ],
)
def test_an_address_is_found_without_what_a_sentence_puts_around_it(text: str, addresses: list[str]) -> None:
    assert links(text) == addresses


@pytest.mark.parametrize(
    "text",
    [
        "https://b\u0430nk.example/",  # a Cyrillic letter
        "https://bank.example/\u202egnp",
        "https://bank.example\u2215evil.example",
        "https://bank.example@evil.example/",
        "https://user:password@evil.example/",
        "https://evil.example\\@bank.example",
        "https://evil.example`x`",
        "javascript:alert(1)",
        "xhttps://evil.example",
        "https://",
        "https://-",
        "<https://evil.example|bank>",
        "https://evil.example|bank",
        "bank.example",
    ],
)
def test_what_could_be_taken_for_another_address_is_no_link(text: str) -> None:
    assert links(text) == []


PIECES = [
    *["https://", "bank.example", "evil.example", "\u0430", "\u202e", "a", " "],
    *"/@\\|<>.:`()*",
]


@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join) | typed_texts)
@example("https://bank.example https://evil.example")
def test_a_link_is_the_whole_of_what_is_read_and_nothing_is_lost(text: str) -> None:
    assert "".join(part.text for part in parts(text)) == text
    for address in links(text):
        assert re.fullmatch(r"(?i)https?://[a-z0-9.-]+(:\d+)?([/?#][!-~]*)?", address)
    blocks = Message("text", [typed(f"Reason: {text}")]).payload()["blocks"]
    for block in blocks:
        assert block["type"] in {"section", "rich_text"}
        if block["type"] == "rich_text":
            (section,) = block["elements"]
            assert "".join(part["text"] for part in section["elements"]) == f"Reason: {text}"
            for part in section["elements"]:
                assert part == (
                    {"type": "link", "url": part["text"], "text": part["text"]}
                    if part["type"] == "link"
                    else {"type": "text", "text": part["text"]}
                )
