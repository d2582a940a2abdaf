"""What looks like a token, or is a secret of this process, is not taken and not repeated."""

from collections.abc import Callable

import pytest

from creditbot.domain.errors import CommandError
from creditbot.domain.fields import reason, subuser_name
from creditbot.domain.secrecy import Secrets

TOKENS = [
    "xoxb-12345678-abcdef",
    "xoxp-123456789",
    "xoxe.xoxp-1-Mi0yLTEyMzQ1",
    "xapp-1-A012345678",
    "SG.abcdefgh12.ijklmnop34",
    "SG.abcdefghij-klm.nopqrst",
    "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",
]
PASSWORD, LONGER = "hunter22", "hunter22-and-more"


@pytest.mark.parametrize("before", ["", "key_", "(", "=", "to:"])
@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize(
    ("reader", "field"),
    [(subuser_name, "subuser"), (lambda text: reason(f"because {text} is it"), "reason")],
    ids=["name", "reason"],
)
def test_a_text_with_a_token_in_it_is_not_taken_and_not_repeated(
    reader: Callable[[str], str], field: str, token: str, before: str
) -> None:
    with pytest.raises(CommandError, match="a token, an API key or a password") as caught:
        reader(before + token)
    assert caught.value.field == field
    assert token not in caught.value.sentence


@pytest.mark.parametrize(
    "text", ["SG. is short", "xox or xapp", "the SG.team asks", "xoxb-", "MSG.abcdefgh.ijklmnop"]
)
def test_a_reason_that_only_names_them_is_taken(text: str) -> None:
    assert reason(text) == text


@pytest.mark.parametrize("name", ["xapp-newsletter", "SG.office", "sg.marketing.newsletter", "taxox-offers"])
def test_a_name_that_only_begins_like_one_is_taken(name: str) -> None:
    assert subuser_name(name) == name


@pytest.mark.parametrize("text", [PASSWORD, f"the password is {PASSWORD}!", LONGER])
def test_a_text_with_a_secret_of_this_process_is_not_taken_and_not_repeated(text: str) -> None:
    with pytest.raises(CommandError) as caught:
        Secrets.of([PASSWORD, LONGER]).check(text, "reason")
    assert caught.value.field == "reason"
    assert PASSWORD not in caught.value.sentence


def test_a_text_without_one_is_taken() -> None:
    Secrets.of([PASSWORD]).check("hunter 22", "reason")


def test_what_is_too_short_to_be_told_from_a_word_is_not_looked_for() -> None:
    Secrets.of(["credits", ""]).check("more credits", "reason")


@pytest.mark.parametrize("token", TOKENS)
def test_secrets_and_tokens_are_taken_out_whole(token: str) -> None:
    text = Secrets.of([PASSWORD, LONGER]).taken_out(f"a {token} b {LONGER} c {PASSWORD}")
    assert text in ("a [redacted] b [redacted] c [redacted]", "a xoxe.[redacted] b [redacted] c [redacted]")
