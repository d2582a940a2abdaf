"""Amounts as people write them, and the question that comes of those which someone would read otherwise."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from creditbot.domain.amounts import MAX_AMOUNT, amount
from creditbot.domain.changes import Change
from creditbot.domain.commands import Ask, OpenForm
from creditbot.domain.errors import CommandError
from tests.typed import parse

from .test_commands import assert_helpful_and_harmless, typed_texts

ASKED = re.compile(r"type `([0-9]+)`( and begin the reason with another word)?")


def question(text: str, *, in_form: bool = False) -> str:
    read = partial(amount, text, in_form=True) if in_form else partial(parse, f"add acme {text}")
    with pytest.raises(CommandError) as caught:
        read()
    assert caught.value.field == "amount"
    assert_helpful_and_harmless(caught.value.sentence)
    return caught.value.sentence


def readings(sentence: str) -> list[int]:
    """What may have been meant, by what is to be typed for it."""
    return [int(value) for value, _ in ASKED.findall(sentence)]


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        ("5 Black Friday", 5, "Black Friday"),
        ("5,000 Black Friday", 5000, "Black Friday"),
        ("1,234,567 Black Friday", 1_234_567, "Black Friday"),
        ("5k Black Friday", 5000, "Black Friday"),
        ("5K Black Friday", 5000, "Black Friday"),
        ("1.5k Black Friday", 1500, "Black Friday"),
        ("0.5k Black Friday", 500, "Black Friday"),
        ("0.125m Black Friday", 125_000, "Black Friday"),
        ("1.5m Black Friday", 1_500_000, "Black Friday"),
        ("5M Black Friday", 5_000_000, "Black Friday"),
        ("1000000000 Black Friday", MAX_AMOUNT, "Black Friday"),
        # A number that begins the reason, and is no group of the amount's.
        ("500 2026 campaign", 500, "2026 campaign"),
        ("5 2026 campaign", 5, "2026 campaign"),
        ("5000 100 mails", 5000, "100 mails"),
        ("5k 100 mails", 5000, "100 mails"),
        ("500 24h sale", 500, "24h sale"),
        ("500 11/28 sale", 500, "11/28 sale"),
        ("500 $5 coupons", 500, "$5 coupons"),
        ("500 #100", 500, "#100"),
        ('500 "100 mails"', 500, '"100 mails"'),
        ("500 - 2026 campaign", 500, "- 2026 campaign"),
        ("500 for 100 mails", 500, "for 100 mails"),
        # Words that begin as those of thousands do.
        ("500 K8s mails", 500, "K8s mails"),
        ("500 T-shirt sale", 500, "T-shirt sale"),
        ("500 M&M's", 500, "M&M's"),
        ("500 B2B", 500, "B2B"),
        ("500 Kunden", 500, "Kunden"),
        ("500 milestones", 500, "milestones"),
        ("500 more", 500, "more"),
        ("500 x-mas", 500, "x-mas"),
        ("500 to 12 new customers", 500, "to 12 new customers"),
        # The unit belongs to the amount.
        ("5,000 credits for Black Friday", 5000, "for Black Friday"),
        ("1 credit: Black Friday", 1, "Black Friday"),
        ("500 credit card mails", 500, "credit card mails"),
    ],
)
def test_an_amount_that_everyone_reads_alike_is_taken(text: str, value: int, reason: str) -> None:
    assert parse(f"add acme {text}") == Ask(Change("acme", value), reason)
    assert parse(f"remove acme {text}") == Ask(Change("acme", -value), reason)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        # Groups set apart by spaces.
        ("5 000 Black Friday", [5000, 5]),
        ("5\u00a0000 Black Friday", [5000, 5]),
        ("5\u202f000 Black Friday", [5000, 5]),
        ("5\u2009000 Black Friday", [5000, 5]),
        ("5\n000 Black Friday", [5000, 5]),
        ("5 \u200b000 Black Friday", [5000, 5]),
        ("5 000", [5000, 5]),
        ("5 000, Black Friday", [5000, 5]),
        ("5 500. Geburtstag", [5500, 5]),
        ("1 000 000 Black Friday", [1_000_000, 1]),
        ("12 34 567 Diwali", [1_234_567, 12]),
        ("500 100 mails", [500_100, 500]),
        ("5,000 000 Black Friday", [5_000_000, 5000]),
        ("5000 000 Black Friday", [5_000_000, 5000]),
        ("5 0000 Black Friday", [50_000, 5]),
        ("5 0 0 0 Black Friday", [5000, 5]),
        ("5 ,000 Black Friday", [5000, 5]),
        ("5, 000 Black Friday", [5000, 5]),
        ("5 000,00 Soldes", [5000, 5]),
        ("\u0665 \u0660\u0660\u0660 Eid", [5000, 5]),
        # Dots and commas, of which one country's groups are another's decimals.
        ("5.000 Ostern", [5000, 5]),
        ("10.000 Ostern", [10_000, 10]),
        ("1.234.567 Ostern", [1_234_567]),
        ("5.00 Easter", [500, 5]),
        ("5,00 Ostern", [500, 5]),
        ("5,0000 Ostern", [50_000, 5]),
        ("1.500,00 Ostern", [1500]),
        ("1,500.00 Easter", [1500]),
        ("12,34,567 Diwali", [1_234_567]),
        ("1.500k Ostern", [1_500_000, 1500]),
        ("1,500k Ostern", [1_500_000, 1500]),
        ("1,5k Ostern", [1500]),
        # Other signs, and other digits.
        ("5'000 Ostern", [5000]),
        ("5\u2019000 Ostern", [5000]),
        ("5_000 x", [5000]),
        ("\uff15\uff10\uff10\uff10 x", [5000]),
        ("\u0665\u0660\u0660\u0660 x", [5000]),
        ("\u096b\u0966\u0966\u0966 x", [5000]),
        ("5\u200b000 x", [5000]),
        ("005 x", [5]),
        ("5000, Black Friday", [5000]),
        # Words and letters for thousands and millions.
        ("5 k Black Friday", [5000, 5]),
        ("5 K, Black Friday", [5000, 5]),
        ("5 thousand Black Friday", [5000, 5]),
        ("5 Tsd. Ostern", [5000, 5]),
        ("5 mil Navidad", [5_000_000, 5000, 5]),
        ("5mil Navidad", [5_000_000, 5000]),
        ("5mio Ostern", [5_000_000]),
        ("2 million mails", [2_000_000, 2]),
        ("5 M mails", [5_000_000, 5]),
        ("500 Grand opening", [500_000, 500]),
        ("5 тыс. писем", [5000, 5]),
        ("2 lakh mails", [200_000, 2]),
        ("5 kilo mails", [5000, 5]),
        ("5 000 k mails", [5_000_000, 5]),
        ("500 万封邮件", [5_000_000, 500]),
        # What makes another amount of it in other ways.
        ("5 1/2 thousand", [5]),
        ("5 and a half thousand", [5]),
        ("5 x 1000 mails", [5]),
        ("5 - 10 thousand", [5]),
        ("5 to 10k", [5]),
        ("5 or 6", [5]),
        ("5 % more", [5]),
        ("5000 EUR worth", [5000]),
    ],
)
def test_an_amount_that_someone_would_read_otherwise_is_a_question(text: str, meant: list[int]) -> None:
    sentence = question(text)
    assert readings(sentence) == meant
    if len(meant) > 1:
        assert f"can be read as {' or as '.join(f'{value:,}' for value in meant)}." in sentence


@pytest.mark.parametrize(
    "text",
    [
        *[
            "1.5",
            "5,5",
            "0.0001k",
            "1.0000001m",
            ".5k",
            "five",
            "½",
            "²",
            "0x10",
            "1e3",
            "5kkk",
            "5b",
            "5-10",
        ],
        *["5x", "5x1000", "$5000", "NaN", "inf", "(5)", "~5000", "@here", "<!here>", "`5`", "\u0301"],
        *["9" * 39 + "x", "1" + "'000" * 20, "5" + " 000" * 2000],
    ],
)
def test_what_is_no_amount_is_answered_with_one_that_is(text: str) -> None:
    for sentence in (question(f"{text} why"), question(text, in_form=True)):
        assert not readings(sentence)


@pytest.mark.parametrize("text", ["0", "00", "0k", "0,000", "0.0", "0.0k"])
def test_nothing_is_no_change(text: str) -> None:
    assert "would change nothing" in question(f"{text} why")


@pytest.mark.parametrize("text", ["1000000001", "1001m", "1" + "0" * 30, "9" * 40, "1,000,000,001"])
def test_too_much_is_said_to_be(text: str) -> None:
    assert "at most 1,000,000,000" in question(f"{text} why")


@pytest.mark.parametrize("text", ["-100", "+100", "\u2212100", "\u2013100", "--100", "\uff0b100"])
def test_a_sign_is_answered_with_what_stands_for_it_where_it_was_typed(text: str) -> None:
    in_command, in_form = question(f"{text} why"), question(text, in_form=True)
    assert "Type `100` after `add` to add credits, or after `remove` to remove them." in in_command
    assert "Type `100` and choose *Add credits* or *Remove credits* above." in in_form


def test_a_signed_amount_that_is_not_clear_is_not_repeated_as_a_part_of_it() -> None:
    assert "Type the amount without it" in question("-5 000 why")


@pytest.mark.parametrize(("text", "meant"), [("5 000", [5000, 5]), ("5.000", [5000, 5]), ("5 k", [5000, 5])])
def test_a_form_asks_the_same_and_says_nothing_of_the_reason(text: str, meant: list[int]) -> None:
    sentence = question(text, in_form=True)
    assert readings(sentence) == meant
    assert "reason" not in sentence


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("5 000 Black Friday", OpenForm("add", "acme", "5 000", "Black Friday")),
        ("5\u202f000", OpenForm("add", "acme", "5 000", "")),
        ("5.000 Ostern", OpenForm("add", "acme", "5.000", "Ostern")),
        ("5 k Black Friday", OpenForm("add", "acme", "5 k", "Black Friday")),
        ("500 2026 campaign", OpenForm("add", "acme", "500", "2026 campaign")),
        ("5 credits", OpenForm("add", "acme", "5", "")),
    ],
)
def test_a_form_is_filled_in_with_the_whole_amount_as_it_was_typed(text: str, form: OpenForm) -> None:
    assert parse(f"request acme {text}") == form


def test_an_amount_without_a_reason_is_asked_about_before_a_form_is_opened() -> None:
    assert readings(question("5 000")) == [5000, 5]
    assert parse("add acme 5 credits") == OpenForm("add", "acme", "5", "")


@given(st.integers(1, MAX_AMOUNT))
@example(1)
@example(MAX_AMOUNT)
def test_an_amount_is_read_as_it_is_written(value: int) -> None:
    assert amount(f"{value:,}") == value
    assert amount(str(value)) == value
    assert amount(f" {value} ") == value


@given(st.integers(0, 10**9), st.integers(0, 6), st.sampled_from(["k", "K", "m", "M"]))
@example(3, 1, "k")
@example(11, 1, "k")
@example(999999999, 6, "m")
def test_k_and_m_are_exact_and_never_rounded(digits: int, places: int, unit: str) -> None:
    value = Decimal(digits).scaleb(-places)
    exact = value * (1000 if unit in "kK" else 1_000_000)
    try:
        read = amount(f"{value:f}{unit}")
    except CommandError:
        grouped = places == len("000") and value >= 1
        assert exact == 0 or exact > MAX_AMOUNT or exact % 1 != 0 or grouped
    else:
        assert read == exact


@dataclass(frozen=True)
class Reader:
    """Someone who reads numbers as people do where they live: written apart from the code."""

    groups: str
    decimal: str
    words: Mapping[str, int]
    group: str = r"\d{3}"

    def reads(self, text: str) -> Decimal | None:
        """The whole number that a text begins with, or None if they could not make one of it."""
        between = f"[{self.groups}]+"
        # By this project's rule, a comma before three digits groups them.
        fraction = r"(?:,(?!\d{3}(?!\d))\d+)?" if self.decimal == "," else r"(?:\.\d+)?"
        grouped = rf"\d{{1,3}}(?:{between}{self.group})*{between}\d{{3}}(?!\d)"
        found = re.match(rf"({grouped}|\d+)({fraction})", text)
        if found is None:
            return None
        rest, factor = text[found.end() :], 1
        if word := re.match(rf"\s*({'|'.join(self.words)})(?![\w&]|-\w)\.?", rest, re.IGNORECASE):
            rest, factor = rest[word.end() :], self.words[word[1].lower()]
        if rest.strip() and not rest[0].isspace():
            return None
        whole = "".join(str(unicodedata.decimal(char)) for char in found[1] if char.isdecimal())
        value = Decimal(whole + found[2].replace(",", ".")) * factor
        return value if value >= 1 and value == value.to_integral_value() else None


K_AND_M = {"k": 10**3, "m": 10**6}
READERS = {
    "English": Reader(
        ",", ".", {"k": 10**3, "m": 10**6, "thousand": 10**3, "million": 10**6, "grand": 10**3}
    ),
    "German": Reader(r".\s", ",", {"k": 10**3, "tsd": 10**3, "tausend": 10**3, "mio": 10**6}),
    "Spanish": Reader(".", ",", {"k": 10**3, "mil": 10**3, "millones": 10**6}),
    "French": Reader(r"\s", ",", {"k": 10**3, "mille": 10**3, "millions": 10**6}),
    "Swiss": Reader("'\u2019", ".", K_AND_M),
    "Indian": Reader(",", ".", {"k": 10**3, "lakh": 10**5, "crore": 10**7}, group=r"\d{2}"),
    "Arabic": Reader(",\u066c", ".", {"ألف": 10**3}),
    "programmer": Reader("_", ".", K_AND_M),
}

PIECES = [
    *["5", "50", "500", "5000", "000", "00", "0", "100", "2026", "5,000", "1.5", "0.5", "5.000"],
    *["k", "K", "m", "M", "thousand", "tsd.", "mil", "mille", "million", "lakh", "grand", "ألف"],
    *[" ", " ", " ", "\u00a0", "\u202f", "\u2009", "\n", ",", ".", "'", "_", ";"],
    *["Black", "for", "credits", "mails", "-", "\u0665", "\u0660\u0660\u0660", "\uff15"],
]
pieces = st.lists(st.sampled_from(PIECES), min_size=1, max_size=7).map("".join)


@given(pieces)
@example("5 000 Black")
@example("5.000 Ostern")
@example("500 100 mails")
@example("500 2026 campaign")
@example("5,000 000")
@example("1.500k for")
@example("5 mil for")
def test_an_amount_is_taken_only_if_everybody_who_can_read_it_reads_the_same(text: str) -> None:
    try:
        command = parse(f"add acme {text} why")
    except CommandError as error:
        assert_helpful_and_harmless(error.sentence)
        return
    assert isinstance(command, Ask)
    read = {name: reader.reads(f"{text} why".strip()) for name, reader in READERS.items()}
    assert {value for value in read.values() if value is not None} == {command.change.allocation_update}, read


@given(pieces | typed_texts)
def test_a_form_takes_an_amount_only_if_everybody_who_can_read_it_reads_the_same(text: str) -> None:
    try:
        value = amount(text, in_form=True)
    except CommandError as error:
        assert_helpful_and_harmless(error.sentence)
        return
    read = {name: reader.reads(text.strip()) for name, reader in READERS.items()}
    assert {found for found in read.values() if found is not None} == {value}, read
    assert 1 <= value <= MAX_AMOUNT
    assert amount(str(value)) == value


@given(pieces)
@example("500 100 mails")
@example("5 k mails")
def test_whatever_is_to_be_typed_instead_is_taken_as_what_it_says(text: str) -> None:
    try:
        parse(f"add acme {text} why")
    except CommandError as error:
        for value, then in ASKED.findall(error.sentence):
            asked = parse(
                f"add acme {value} {'for ' if then else ''}{text} why" if then else f"add acme {value} why"
            )
            assert isinstance(asked, Ask)
            assert asked.change.allocation_update == int(value)
