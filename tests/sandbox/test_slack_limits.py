"""Each thing that Slack refuses in messages and views, and that what it takes is taken."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from creditbot.sandbox.slack import Message, Refusal
from creditbot.sandbox.slack.blocks import with_ids
from creditbot.sandbox.slack.limits import check_message, check_view

Json = dict[str, Any]


def plain(text: str = "x") -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str = "x") -> Json:
    return {"type": "mrkdwn", "text": text}


def section(**more: Any) -> Json:
    return {"type": "section", "text": mrkdwn(), **more}


def rich(*inlines: Json) -> Json:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(inlines)}]}


def button(**more: Any) -> Json:
    return {"type": "button", "text": plain("Go"), **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def option(value: str = "v", text: str = "x") -> Json:
    return {"text": plain(text), "value": value}


def select(**more: Any) -> Json:
    return {"type": "static_select", "options": [option()], **more}


def sure(**more: Any) -> Json:
    return {"title": plain(), "text": mrkdwn(), "confirm": plain(), "deny": plain(), **more}


def asks(element: Json, **more: Any) -> Json:
    return {"type": "input", "label": plain("Name"), "element": element, **more}


def modal(*blocks: Json, **more: Any) -> Json:
    return {
        "type": "modal",
        "title": plain(),
        "submit": plain(),
        "blocks": list(blocks) or [section()],
        **more,
    }


def table(rows: int, columns: int) -> Json:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * columns] * rows}


def points(*labels: str) -> list[Json]:
    return [{"label": label, "value": -1.5} for label in labels]


def line(name: str = "a", *labels: str) -> Json:
    return {"name": name, "data": points(*labels or ("1 Nov",))}


def chart(
    title: str = "Credits", kind: str = "line", series: Any = None, categories: Any = None, **axes: Any
) -> Json:
    axis_config = {"categories": ["1 Nov"] if categories is None else categories, **axes}
    drawn = {"type": kind, "series": [line()] if series is None else series, "axis_config": axis_config}
    return {"type": "data_visualization", "title": title, "chart": drawn}


def pie(*segments: Json) -> Json:
    return {
        "type": "data_visualization",
        "title": "Credits",
        "chart": {"type": "pie", "segments": list(segments)},
    }


def figure(value: Any = 1, **more: Any) -> Json:
    return {"type": "raw_number", "value": value, **more}


def data_table(rows: int = 1, columns: int = 1, cell: Any = None, **more: Any) -> Json:
    heading = [{"type": "raw_text", "text": "x"}] * columns
    return {
        "type": "data_table",
        "caption": "Subusers",
        "rows": [heading, *[[figure() if cell is None else cell] * columns] * rows],
        **more,
    }


DAYS = [str(day) for day in range(20)]


TEXT_INPUT: Json = {"type": "plain_text_input"}

GOOD_MESSAGES: list[list[Json]] = [
    [section()] * 50,
    [section(text=mrkdwn("x" * 3000))],
    [{"type": "section", "fields": [mrkdwn("x" * 1000)] * 10}],
    [{"type": "header", "text": plain("x" * 150)}, {"type": "divider"}],
    [
        {
            "type": "context",
            "elements": [mrkdwn(), {"type": "image", "image_url": "http://x", "alt_text": "x"}] * 5,
        }
    ],
    [actions(*[button(action_id=str(n)) for n in range(25)])],
    [actions(button(text=plain("x" * 75), value="x" * 2000, style="primary", confirm=sure()))],
    [section(accessory=select(initial_option=option()))],
    [table(100, 20)],
    [chart(), chart(kind="bar")],
    [chart(series=[line(str(n), *DAYS) for n in range(6)], categories=DAYS, y_label="x" * 50)],
    [pie({"label": "x" * 20, "value": 1})],
    [data_table(100, 20, page_size=100, row_header_column_index=19)],
    [data_table(cell=figure(text="1,200")), data_table(cell=rich({"type": "text", "text": "acme"}))],
    [data_table(cell={"type": "raw_text", "text": "x" * 9999})],
    [{"type": "card", "title": mrkdwn(), "actions": [button()]}],
    [{"type": "container", "title": plain(), "child_blocks": [section()]}],
    [{"type": "markdown", "text": "x" * 12_000}],
    [{"type": "rich_text", "elements": []}],
    [rich({"type": "text", "text": "x"}, {"type": "link", "url": "https://x.example", "text": "x"})],
    [asks(TEXT_INPUT)],
]


@pytest.mark.parametrize("blocks", GOOD_MESSAGES)
def test_what_slack_takes_is_taken(blocks: list[Json]) -> None:
    check_message(None, blocks)


BAD_BLOCKS: list[tuple[list[Any], str]] = [
    ([section()] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
    (["words"], "must provide an object [json-pointer:/blocks/0]"),
    ([{"type": "marquee"}], "unsupported type: marquee [json-pointer:/blocks/0/type]"),
    ([{"type": "alert", "text": plain()}], "unsupported type: alert [json-pointer:/blocks/0/type]"),
    (
        [section(text=mrkdwn("x" * 3001))],
        "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
    ),
    ([section(text=mrkdwn(""))], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    ([section(text="words")], "must provide an object [json-pointer:/blocks/0/text]"),
    ([section(text={"type": "mrkdwn"})], "must provide a string [json-pointer:/blocks/0/text/text]"),
    (
        [section(text={**mrkdwn(), "emoji": True})],
        "invalid additional property: emoji [json-pointer:/blocks/0/text]",
    ),
    ([{"type": "section"}], "missing required field: text or fields [json-pointer:/blocks/0]"),
    ([section(fields=[mrkdwn()] * 11)], "no more than 10 items allowed [json-pointer:/blocks/0/fields]"),
    (
        [section(fields=[mrkdwn("x" * 2001)])],
        "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
    ),
    ([section(colour="red")], "invalid additional property: colour [json-pointer:/blocks/0]"),
    ([section(block_id="x" * 256)], "must be less than 256 characters [json-pointer:/blocks/0/block_id]"),
    ([section(block_id="a"), section(block_id="a")], "block_id `a` already exists"),
    (
        [section(accessory=TEXT_INPUT)],
        "unsupported type: plain_text_input [json-pointer:/blocks/0/accessory/type]",
    ),
    ([{"type": "header", "text": plain("x" * 151)}], "must be less than 151 characters"),
    ([{"type": "header", "text": mrkdwn()}], "unsupported type: mrkdwn, must be plain_text"),
    ([{"type": "header"}], "missing required field: text [json-pointer:/blocks/0]"),
    ([{"type": "context", "elements": [mrkdwn()] * 11}], "no more than 10 items allowed"),
    ([{"type": "context", "elements": []}], "no less than 1 items allowed"),
    ([{"type": "context", "elements": [button()]}], "unsupported type: button"),
    (
        [{"type": "context", "elements": [{"type": "image", "alt_text": "x"}]}],
        "missing required field: image_url",
    ),
    ([actions(*[button()] * 26)], "no more than 25 items allowed [json-pointer:/blocks/0/elements]"),
    ([actions()], "no less than 1 items allowed"),
    ([{"type": "actions", "elements": "many"}], "must provide an array"),
    ([actions(button(action_id="a"), button(action_id="a"))], "action_id `a` already exists"),
    ([actions(button(text=plain("x" * 76)))], "must be less than 76 characters"),
    ([actions(button(text=mrkdwn()))], "unsupported type: mrkdwn, must be plain_text"),
    ([actions(button(value="x" * 2001))], "must be less than 2001 characters"),
    ([actions(button(value=5))], "must provide a string [json-pointer:/blocks/0/elements/0/value]"),
    ([actions(button(action_id="x" * 256))], "must be less than 256 characters"),
    ([actions(button(style="loud"))], "must be one of primary, danger"),
    ([actions(button(size="big"))], "invalid additional property: size"),
    ([actions(button(confirm=sure(title=plain("x" * 101))))], "must be less than 101 characters"),
    ([actions(button(confirm=sure(text=plain("x" * 301))))], "must be less than 301 characters"),
    ([actions(button(confirm=sure(confirm=plain("x" * 31))))], "must be less than 31 characters"),
    ([actions(button(confirm=sure(deny=plain("x" * 31))))], "must be less than 31 characters"),
    ([actions(button(confirm=sure(title=mrkdwn())))], "unsupported type: mrkdwn, must be plain_text"),
    ([actions(button(confirm=sure(style="loud")))], "must be one of primary, danger"),
    ([actions(button(confirm="yes"))], "must provide an object"),
    ([actions({"type": "lever"})], "unsupported type: lever"),
    ([actions("words")], "must provide an object"),  # type: ignore[arg-type] # what a careless bot may send
    ([actions(select(options=[]))], "no less than 1 items allowed"),
    ([actions(select(options=[option(str(n)) for n in range(101)]))], "no more than 100 items allowed"),
    ([actions(select(options=[option(text="x" * 76)]))], "must be less than 76 characters"),
    ([actions(select(options=[option("x" * 151)]))], "must be less than 151 characters"),
    ([actions(select(options=["words"]))], "must provide an object"),
    ([actions(select(initial_option=option("other")))], "must be one of the provided options"),
    ([actions(select(option_groups=[]))], "must provide either options or option_groups"),
    ([actions(select(placeholder=plain("x" * 151)))], "must be less than 151 characters"),
    ([actions({"type": "radio_buttons", "options": [option()] * 11})], "no more than 10 items allowed"),
    ([actions({"type": "overflow", "options": [option()] * 6})], "no more than 5 items allowed"),
    ([table(101, 1)], "no more than 100 items allowed [json-pointer:/blocks/0/rows]"),
    ([table(1, 21)], "no more than 20 items allowed [json-pointer:/blocks/0/rows/0]"),
    ([{"type": "table", "rows": [[mrkdwn()]]}], "unsupported type of cell"),
    ([chart(), chart(), chart()], "no more than 2 data_visualization blocks allowed"),
    ([chart(title="x" * 51)], "must be less than 51 characters"),
    ([chart(kind="radar")], "must be a line, bar, area or pie chart"),
    ([chart(series=[line()] * 7)], "no more than 6 items allowed"),
    ([chart(series=[line("x" * 21)])], "must be less than 21 characters"),
    ([chart(series=[line(), line()])], "names of series must be unique"),
    ([chart(series=["words"])], "must provide an object"),
    ([chart(series=[line("a", "1 Nov", "2 Nov")])], "must have one data point for each category"),
    ([chart(series=[{"name": "a", "data": []}])], "no less than 1 items allowed"),
    ([chart(series=[{"name": "a", "data": [{"label": "1 Nov", "value": None}]}])], "must provide a number"),
    ([chart(categories=[*DAYS, "x"])], "no more than 20 items allowed"),
    ([chart(categories=["1 Nov", "1 Nov"])], "categories must be unique"),
    ([chart(categories=["x" * 21])], "must be less than 21 characters"),
    ([chart(y_label="x" * 51)], "must be less than 51 characters"),
    ([chart() | {"chart": {"type": "line", "series": [line()]}}], "missing required field: axis_config"),
    ([chart() | {"colour": "red"}], "invalid additional property: colour"),
    ([pie({"label": "x", "value": 0})], "must be greater than 0"),
    ([data_table(101)], "no more than 101 items allowed"),
    ([data_table(0)], "no less than 2 items allowed"),
    ([data_table(columns=21)], "no more than 20 items allowed"),
    ([data_table() | {"rows": [[figure()], [figure()] * 2]}], "all rows must have the same number of cells"),
    ([data_table(cell=mrkdwn())], "unsupported type of cell"),
    ([data_table() | {"rows": [[rich()], [figure()]]}], "unsupported type of heading: rich_text"),
    ([data_table(cell=figure("12"))], "must provide a number"),
    ([data_table(cell=figure(text=""))], "must be more than 0 characters"),
    (
        [data_table(4, cell={"type": "raw_text", "text": "x" * 2500})],
        "must be less than 10001 characters in all",
    ),
    (
        [data_table(2, cell={"type": "raw_text", "text": "x" * 2500})] * 2,
        "must be less than 10001 characters",
    ),
    ([data_table(page_size=101)], "must be a number from 1 to 100"),
    ([data_table(row_header_column_index=1)], "must be a number from 0 to 0"),
    ([data_table() | {"caption": ""}], "must be more than 0 characters"),
    ([{"type": "card"}], "missing required field: hero_image, title, actions or body"),
    ([{"type": "card", "body": mrkdwn("x" * 201)}], "must be less than 201 characters"),
    (
        [{"type": "container", "child_blocks": [section()]}],
        "missing required field: title or rich_text_title",
    ),
    (
        [{"type": "container", "title": plain(), "child_blocks": [section()] * 11}],
        "no more than 10 items allowed",
    ),
    ([{"type": "container", "title": plain(), "child_blocks": [{"type": "x"}]}], "unsupported type: x"),
    ([{"type": "markdown", "text": "x" * 12_001}], "must be less than 12001 characters"),
    ([rich({"type": "text", "text": ""})], "must be more than 0 characters"),
    (
        [rich({"type": "link", "text": "x"})],
        "must provide a string [json-pointer:/blocks/0/elements/0/elements/0/url]",
    ),
    ([rich({"type": "text", "text": "x", "verbatim": True})], "invalid additional property: verbatim"),
    ([rich({"type": "mrkdwn", "text": "x"})], "unsupported type: mrkdwn"),
    ([{"type": "rich_text", "elements": [section()]}], "unsupported type: section"),
]


@pytest.mark.parametrize(("blocks", "why"), BAD_BLOCKS)
def test_bad_blocks_are_refused(blocks: list[Any], why: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_message("fallback", blocks)
    assert caught.value.error == "invalid_blocks"
    assert any(message.startswith(why) for message in caught.value.messages), caught.value.messages


def test_a_workspace_may_not_take_a_new_block_yet() -> None:
    check_message("x", [section(), chart()], {"data_table"})
    with pytest.raises(Refusal) as caught:
        check_message("x", [section(), chart()], {"data_visualization"})
    assert (caught.value.error, caught.value.messages) == (
        "invalid_blocks",
        ["unsupported type: data_visualization [json-pointer:/blocks/1/type]"],
    )


@pytest.mark.parametrize(
    ("text", "blocks", "error"),
    [
        ("", [], "no_text"),
        (None, None, "no_text"),
        ("x" * 40_001, None, "msg_too_long"),
        ("x", [section(text=mrkdwn("x" * 2700))] * 5, "msg_blocks_too_long"),
        ("x", {"type": "section"}, "invalid_blocks"),
    ],
)
def test_messages_are_refused_as_a_whole(text: str | None, blocks: Any, error: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_message(text, blocks)
    assert caught.value.error == error


GOOD_VIEWS: list[Json] = [
    modal(),
    modal(*[section()] * 100),
    modal({"type": "alert", "text": mrkdwn("Mind this"), "level": "warning"}),
    modal(
        asks({**TEXT_INPUT, "max_length": 3000, "initial_value": "x" * 3000, "placeholder": plain("x" * 150)})
    ),
    modal(asks({"type": "number_input", "is_decimal_allowed": False, "min_value": "1"})),
    modal(asks(select(), hint=plain("x" * 2000), optional=True)),
    modal(private_metadata="x" * 3000, callback_id="x" * 255, notify_on_close=True),
    {"type": "home", "blocks": []},
    {"type": "home", "blocks": [data_table()]},
]


@pytest.mark.parametrize("view", GOOD_VIEWS)
def test_views_that_slack_takes_are_taken(view: Json) -> None:
    check_view(view, frozenset({"modal", "home"}))


BAD_VIEWS: list[tuple[Any, str]] = [
    ("words", "must provide an object [json-pointer:/view]"),
    ({"type": "home", "blocks": []}, "unsupported type: home [json-pointer:/view/type]"),
    (modal(title=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/title/text]"),
    (modal(title=mrkdwn()), "unsupported type: mrkdwn, must be plain_text"),
    (modal(title=None), "missing required field: title"),
    (modal(submit=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/submit/text]"),
    (modal(close=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/close/text]"),
    (modal(asks(TEXT_INPUT), submit=None), "missing required field: submit"),
    (modal(private_metadata="x" * 3001), "must be less than 3001 characters"),
    (modal(callback_id="x" * 256), "must be less than 256 characters"),
    (modal(colour="red"), "invalid additional property: colour"),
    (modal(*[section()] * 101), "no more than 100 items allowed [json-pointer:/view/blocks]"),
    (modal(table(1, 1)), "unsupported type: table"),
    (modal(data_table()), "unsupported type: data_table"),
    (modal({"type": "alert", "text": mrkdwn(), "level": "loud"}), "must be one of default"),
    (modal(asks(TEXT_INPUT, label=plain("x" * 2001))), "must be less than 2001 characters"),
    (modal(asks(TEXT_INPUT, label=mrkdwn())), "unsupported type: mrkdwn, must be plain_text"),
    (modal(asks(TEXT_INPUT, hint=plain("x" * 2001))), "must be less than 2001 characters"),
    (modal({"type": "input", "label": plain()}), "missing required field: element"),
    (modal(asks(button())), "unsupported type: button"),
    (modal(asks({**TEXT_INPUT, "placeholder": plain("x" * 151)})), "must be less than 151 characters"),
    (modal(asks({**TEXT_INPUT, "max_length": 3001})), "must be between 1 and 3000"),
    (modal(asks({**TEXT_INPUT, "min_length": 5, "max_length": 4})), "must be between 0 and 4"),
    (
        modal(asks({**TEXT_INPUT, "max_length": 4, "initial_value": "12345"})),
        "must be less than 5 characters",
    ),
    (modal(asks({"type": "number_input"})), "missing required field: is_decimal_allowed"),
    (
        modal(asks({"type": "number_input", "is_decimal_allowed": True, "min_value": 1})),
        "must provide a string [json-pointer:/view/blocks/0/element/min_value]",
    ),
    (modal(section(block_id="a"), section(block_id="a")), "block_id `a` already exists"),
]


@pytest.mark.parametrize(("view", "why"), BAD_VIEWS)
def test_bad_views_are_refused(view: Any, why: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_view(view)
    assert caught.value.error == "invalid_arguments"
    assert any(message.startswith(why) for message in caught.value.messages), caught.value.messages


JUNK: list[Any] = [None, 5, True, "", "words", [], ["words"], [[]], {}, {"type": "x"}, {"type": []}]

MENUS: list[list[Json]] = [
    [actions({"type": "static_select", "option_groups": [{"label": plain(), "options": [option()]}]})],
    [actions({"type": "checkboxes", "options": [option()], "initial_options": [option()]})],
]


def places(value: Any) -> Iterator[list[Any]]:
    """The path to every part of a value; of a long list, the first two items will do."""
    yield []
    inner = (
        value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else []
    )
    for key, part in inner:
        yield from ([key, *rest] for rest in places(part))


def changed(value: Any, place: list[Any], junk: Any) -> Any:
    """A copy with something else in one place."""
    if not place:
        return junk
    new = copy.copy(value)
    new[place[0]] = changed(value[place[0]], place[1:], junk)
    return new


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("blocks", GOOD_MESSAGES + MENUS)
def test_whatever_blocks_are_sent_are_taken_or_refused(blocks: list[Json], junk: Any) -> None:
    for place in places(blocks):
        odd = changed(blocks, place, junk)
        try:
            check_message("text", odd)
        except Refusal:
            continue
        message = Message("C1", "1.0", "U1", "text", with_ids(odd or []))
        message.plain()
        message.mentions()


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("view", GOOD_VIEWS)
def test_whatever_views_are_sent_are_taken_or_refused(view: Json, junk: Any) -> None:
    for place in places(view):
        odd = changed(view, place, junk)
        try:
            check_view(odd, frozenset({"modal", "home"}))
        except Refusal:
            continue
        with_ids(odd["blocks"])
