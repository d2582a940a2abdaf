"""A workspace may call the command otherwise: our own texts follow, and what people typed does not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditbot.domain.errors import CommandError, MaybeTaken
from creditbot.domain.markup import COMMAND, WORD_JOINER, for_a_field, literal, named
from creditbot.slack import answers, forms
from creditbot.slack.cards.notices import notice
from creditbot.slack.commands import COMMANDS
from creditbot.slack.commands.help import message as help_message
from creditbot.slack.message import Message, sentence, typed
from creditbot.slack.naming import Naming
from tests.typed import parse

from .example_requests import a_request

NAMING = Naming("/sg-credits")

typed_texts = (
    st.lists(
        st.sampled_from(["/credits", "/Credits", "credits", " ", "`", "<", "&", "*", "/", "show 5", "x"]),
        min_size=1,
        max_size=8,
    )
    .map("".join)
    .filter(str.strip)
)


@pytest.mark.parametrize(
    ("text", "renamed"),
    [
        ("`/credits pending` lists them", "`/sg pending` lists them"),
        ("`/credits`: the balance. Type /credits.", "`/sg`: the balance. Type /sg."),
        ("GET /v3/user/credits", "GET /v3/user/credits"),
        ("/v3/subusers/acme/credits/remaining", "/v3/subusers/acme/credits/remaining"),
        ("/credits-old and /creditsx", "/credits-old and /creditsx"),
        (f"you typed {literal('/credits x')}", f"you typed `/{WORD_JOINER}credits x`"),
    ],
)
def test_only_our_own_command_gets_the_name(text: str, renamed: str) -> None:
    assert named(text, "/sg") == renamed


@given(typed_texts)
def test_what_was_typed_reads_as_it_was_typed_whatever_the_command_is_called(text: str) -> None:
    shown = Message(f"{literal(text)}: see `/credits show 5`", [*sentence(literal(text)).blocks, typed(text)])
    sent = NAMING.payload(shown.payload())
    plain = [sent["text"], *(block["text"]["text"] for block in sent["blocks"])]
    was = literal(text).replace(WORD_JOINER, "")
    assert [found.replace(WORD_JOINER, "") for found in plain] == [
        f"{was}: see `/sg-credits show 5`", was, text.replace(WORD_JOINER, ""),
    ]  # fmt: skip


def test_a_form_names_the_command_and_quotes_what_was_typed() -> None:
    with pytest.raises(CommandError) as caught:
        parse("show /credits")
    answer = {"response_action": "errors", "errors": {"reason": for_a_field(caught.value.sentence)}}
    said = NAMING.payload(answer)["errors"]["reason"]
    assert said.replace(WORD_JOINER, "").startswith("/credits is not a request ID")
    assert "/sg-credits pending lists" in said


def texts(found: Any) -> list[str]:
    if isinstance(found, dict):
        return [text for value in found.values() for text in texts(value)]
    if isinstance(found, list):
        return [text for value in found for text in texts(value)]
    return [found] if isinstance(found, str) else []


@pytest.mark.parametrize(
    "payload",
    [
        help_message(COMMANDS.values()).payload(),
        answers.asked(a_request(), "C1").payload(),
        sentence(MaybeTaken().sentence).payload(),
        {"trigger_id": "1", "view": forms.done("Done", sentence("See `/credits pending`"))},
    ],
)
def test_no_text_of_ours_is_left_with_the_usual_name(payload: dict[str, Any]) -> None:
    assert any(COMMAND in text for text in texts(payload))
    renamed = texts(NAMING.payload(payload))
    assert not [text for text in renamed if COMMAND in text.replace("/sg-credits", "")]
    assert any("/sg-credits" in text for text in renamed)


def test_a_reason_on_a_card_stays_as_it_was_typed() -> None:
    payload = notice("applied", a_request(reason="as in /credits show 5"), figures=True).payload()
    assert not [text for text in texts(NAMING.payload(payload)) if "/sg-credits show 5" in text]
