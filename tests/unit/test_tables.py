"""Tables: in text that lines up on a phone, and as Slack's own block, which says the same."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditbot.sandbox.slack.limits import check_message
from creditbot.slack import bounds
from creditbot.slack.bounds import length
from creditbot.slack.columns import MORE, left, right, shortened, width
from creditbot.slack.data_blocks import Line, data_table, line_chart
from creditbot.slack.message import Message, code_block, section
from creditbot.slack.pictures import of_table
from creditbot.slack.tables import (
    NAME_LEAST,
    PHONE,
    Cell,
    Column,
    Kind,
    Table,
    as_text,
    bar,
    compact,
    figure,
    named,
    share,
)

COLUMNS = (
    Column("Subuser"),
    Column("Remaining", Kind.NUMBER, narrow="Left"),
    Column("Of its total", Kind.NUMBER, narrow="Bar"),
    Column("Days left", Kind.NUMBER, narrow="Days"),
    Column("Type", narrow=None),
    Column("Next reset", narrow="Reset"),
)

HEBREW, FULL_WIDTH, MARKED = "לקוח-עם-שם-ארוך", "株式会社アクメ送信部", "cafe\u0301-creme\u0301"


def row(name: str, remain: int | None, total: int | None, days: str, reset: str) -> list[Cell]:
    known = None if days == "–" else float(days.split("–", maxsplit=1)[0])
    return [
        named(name),
        figure(remain),
        share(remain, total),
        Cell(days, known),
        Cell("recurring"),
        Cell(reset),
    ]


SOME = [
    row("acme", 12_400, 50_000, "4", "1 Dec"),
    row("a-customer-with-a-long-name-eu-1", 1_234_567, 2_000_000, "12", "1 Dec"),
    row("a-customer-with-a-long-name-eu-2", 1, 2_000_000, "0", "1 Dec"),
    row("in-overage", -500, 10_000, "0", "–"),
    row("unknown", None, None, "–", "–"),
    row("plenty", 10**12, 10**12, "2–4", "1 Dec"),
    row(HEBREW, 0, 10, "0", "1 Dec"),
    row(FULL_WIDTH, 40_000, 40_000, "9", "31 Dec"),
    row(MARKED, 5, 9, "1", "1 Dec"),
    row("n" * 128, 7, 7, "1", "1 Dec"),
]
TABLE = Table("Subusers, who runs dry first on top", COLUMNS, SOME)


def test_a_table_in_text_lines_up() -> None:
    unmarked = str.maketrans("", "", "\u200e\u2068\u2069")
    assert [line.translate(unmarked) for line in as_text(TABLE)] == [
        "Subuser        Left  Bar Days Reset",
        "acme         12,400 █░░░    4 1 Dec",
        "a-cust…-1 1,234,567 ██░░   12 1 Dec",
        "a-cust…-2         1 █░░░    0 1 Dec",
        "in-ove…ge      −500 ░░░░    0 –",
        "unknown           –    –    – –",
        "plenty     1,000 bn ████  2–4 1 Dec",
        "לקוח-ע…וך         0 ░░░░    0 1 Dec",
        "株式会…部    40,000 ████    9 31 Dec",
        "cafe\u0301-c…me\u0301         5 ██░░    1 1 Dec",
        "nnnnnn…nn         7 ████    1 1 Dec",
    ]


def test_a_phone_shows_each_line_unbroken() -> None:
    assert max(map(width, as_text(TABLE))) == PHONE


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("acme", 8, "acme"),
        ("a-customer-eu-1", 9, "a-cust…-1"),
        (FULL_WIDTH, 8, "株式…部"),
        (HEBREW, 8, "לקוח-…וך"),
        ("x" * 128, 8, "xxxxx…xx"),
    ],
)
def test_a_name_is_cut_visibly_and_keeps_its_end(text: str, most: int, shown: str) -> None:
    assert shortened(text, most) == shown


@given(st.text(alphabet="aé\u0301株🎉א\u200d ", max_size=40), st.integers(4, 30))
def test_what_is_cut_has_at_most_so_many_columns(text: str, most: int) -> None:
    cut = shortened(text, most)
    assert width(cut) <= most
    assert cut == text or MORE in cut
    assert width(left(cut, most)) == width(right(cut, most)) == most


def test_names_from_right_to_left_turn_nothing_around() -> None:
    [_, line] = as_text(Table("x", COLUMNS[:2], [[named("אבג"), figure(5)]]))
    assert line == "\u200e\u2068אבג\u2069" + " " * 5 + "   5"


@pytest.mark.parametrize(
    ("part", "drawn"), [(0, "░░░░"), (0.001, "█░░░"), (0.5, "██░░"), (0.99, "███░"), (1, "████")]
)
def test_a_bar_is_empty_only_of_nothing_and_full_only_of_all(part: float, drawn: str) -> None:
    assert bar(part, 4) == drawn


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (6200, 8000, "██████░░ 77%"),
        (-5, 8000, "░░░░░░░░ 0%"),
        (9000, 8000, "████████ 100%"),
        (None, 8000, "–"),
        (5, None, "–"),
        (5, 0, "–"),
    ],
)
def test_what_is_left_of_a_whole(part: int | None, whole: int | None, text: str) -> None:
    assert share(part, whole).text == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(12_400, "12,400"), (-5, "−5"), (9_999_999_999, "9,999,999,999"), (10**12, "1,000 bn")],
)
def test_a_number_too_wide_for_a_phone_is_told_in_billions(value: int, text: str) -> None:
    assert compact(value) == text


def test_the_block_has_what_the_text_has_and_more() -> None:
    block = data_table(TABLE)
    assert [cell["text"] for cell in block["rows"][0]] == [column.heading for column in COLUMNS]
    assert block["rows"][1] == [
        {"type": "raw_text", "text": "acme"},
        {"type": "raw_number", "value": 12_400, "text": "12,400"},
        {"type": "raw_number", "value": 24, "text": "█░░░░░░░ 24%"},
        {"type": "raw_number", "value": 4.0, "text": "4"},
        {"type": "raw_text", "text": "recurring"},
        {"type": "raw_text", "text": "1 Dec"},
    ]
    check_message("x", [block])


def test_a_table_in_blocks_in_text_and_in_words() -> None:
    picture = of_table(replace(TABLE, rows=SOME * 10))
    for blocks in (picture.blocks, picture.plainer):
        check_message(picture.words, Message(picture.words, blocks).payload()["blocks"])
    assert [block["type"] for block in picture.plainer] == ["section"] * 5
    assert all("Subuser  " in block["text"]["text"] for block in picture.plainer[1:])
    assert picture.words.startswith(
        "Subusers, who runs dry first on top. `acme`: remaining 12,400, of its total 24%, days left 4, type "
        "recurring, next reset 1 Dec; `a-customer-with-a-long-name-eu-1`: "
    )
    assert picture.words.endswith("next reset 1 Dec; and 90 more")


def test_a_table_without_rows_is_a_sentence() -> None:
    picture = of_table(Table("Nobody is low.", COLUMNS, []))
    assert picture.words == "Nobody is low."
    assert picture.blocks == picture.plainer == [section("Nobody is low.")]


def test_what_is_no_number_is_sorted_after_all_that_are() -> None:
    block = data_table(TABLE)
    column = [row[1] for row in block["rows"][1:]]
    assert {cell["type"] for cell in column} == {"raw_number"}
    assert max(column, key=lambda cell: cell["value"])["text"] == "–"


names = st.one_of(st.text(max_size=128), st.sampled_from(["&" * 128, "株" * 128, "`" * 128, "\n", ""]))


@given(st.lists(names, min_size=1, max_size=4), st.sampled_from([1, 30, 101]), st.integers(-5, 200))
def test_slack_takes_any_table(few: list[str], times: int, page_size: int) -> None:
    table = Table("x" * 500, COLUMNS, [row(name, 10**15, 1, "1", "1 Dec") for name in few * times])
    message = Message(
        "x" * 5000, [section("x" * 2900), data_table(table, page_size=page_size), *[section("y")] * 9]
    )
    check_message(message.payload()["text"], message.payload()["blocks"])
    text = Message("x", [code_block(as_text(table))])
    check_message("x", text.payload()["blocks"])
    assert text.payload()["blocks"][0]["text"]["text"].count("```") == 2


def test_what_a_table_has_no_room_for_is_seen_to_be_missing() -> None:
    [*_, last] = data_table(Table("x", COLUMNS, SOME * 11))["rows"]
    assert {cell["text"] for cell in last} == {"…"}
    wide = [Column(str(n), Kind.NUMBER) for n in range(20)]
    block = data_table(Table("x", wide, [[Cell("x" * 500)] * 20] * 100))
    check_message("x", [block])
    assert {cell["text"] for cell in block["rows"][-1]} == {"…"}


@pytest.mark.parametrize("rows", [[], [[Cell("a")]], [[Cell("a")] * 6, [Cell("a")] * 7]])
def test_a_table_that_is_none_is_refused(rows: list[list[Cell]]) -> None:
    with pytest.raises(ValueError, match="a cell in each for each column"):
        data_table(Table("x", COLUMNS, rows))


def test_the_names_of_a_chart_are_short_and_differ() -> None:
    lines = [Line(f"a-customer-with-a-long-name-{n}", [1, -2.5]) for n in range(6)]
    block = line_chart("x" * 80, ["1 Nov", "1 Nov"], lines, y_label="y" * 60)
    check_message("x", [block])
    assert [series["name"] for series in block["chart"]["series"]][:2] == [
        "a-customer-with-a-l…",
        "a-customer-with… (2)",
    ]
    assert block["chart"]["axis_config"]["categories"] == ["1 Nov", "1 Nov (2)"]


@pytest.mark.parametrize(
    ("categories", "lines"),
    [
        ([], [Line("a", [])]),
        (["x"], []),
        (["x"], [Line("a", [1])] * 7),
        ([str(n) for n in range(21)], [Line("a", [1] * 21)]),
        (["x"], [Line("a", [1, 2])]),
        (["x"], [Line("a", [float("nan")])]),
    ],
)
def test_a_chart_that_is_none_is_refused(categories: list[str], lines: list[Line]) -> None:
    with pytest.raises(ValueError, match=r"a chart has|one number for each"):
        line_chart("x", categories, lines)


def test_a_message_has_two_charts_and_so_much_in_tables() -> None:
    chart, long = line_chart("x", ["a"], [Line("a", [1])]), Table("x", COLUMNS[:1], [[Cell("x" * 3000)]] * 2)
    blocks = Message(
        "x", [chart, data_table(long), chart, chart, data_table(long), section("end")]
    ).payload()["blocks"]
    check_message("x", blocks)
    kinds = [block["type"] for block in blocks]
    assert kinds == [
        "data_visualization",
        "data_table",
        "data_visualization",
        "section",
        "section",
        "section",
    ]
    assert [block["text"]["text"] for block in blocks[3:]] == ["…", "…", "end"]


def test_a_code_block_is_closed_wherever_it_is_cut() -> None:
    lines = [f"line {n} of many & more" for n in range(200)]
    blocks = Message("x", [code_block(lines)] * 6).payload()["blocks"]
    check_message("x", blocks)
    for block in blocks:
        text = block["text"]["text"]
        assert text.count("```") in {0, 2}
        assert text.endswith(("```", "…"))
    assert length(blocks[0]["text"]["text"]) <= bounds.SECTION
    assert "…```" in blocks[0]["text"]["text"]


def test_the_first_column_keeps_a_few_characters() -> None:
    wide = [Column("Subuser"), Column("x" * 40, Kind.NUMBER)]
    assert as_text(Table("x", wide, [[named("a-long-name"), Cell("1", 1)]]))[1].startswith("a-lon…me ")
    assert NAME_LEAST == 8
