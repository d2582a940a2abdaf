"""Every block that the sandbox's Slack takes is drawn, and one that the page does not know is named."""

from typing import Any

import pytest
from playwright.async_api import Locator, expect

from creditbot.sandbox.slack.limits_blocks import SURFACES
from creditbot.sandbox.world import ALICE, BOB, GENERAL

from .seat import Seat
from .stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

Json = dict[str, Any]

NOT_DRAWN = {"video", "call", "file", "plan", "task_card"}
"""Blocks that the page names and does not draw: no message of a bot like this one holds them."""


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def button(text: str, **more: Any) -> Json:
    return {"type": "button", "text": plain(text), "action_id": text, **more}


def chart(kind: str) -> Json:
    points = [
        {"label": month, "value": value} for month, value in (("Sep", 300), ("Oct", 1200), ("Nov", 900))
    ]
    if kind == "pie":
        return {
            "type": "data_visualization",
            "title": "Credits by pie",
            "chart": {"type": kind, "segments": points},
        }
    axis = {"categories": ["Sep", "Oct", "Nov"], "x_label": "Month", "y_label": "Credits"}
    series = {"type": kind, "series": [{"name": "acme", "data": points}], "axis_config": axis}
    return {"type": "data_visualization", "title": f"Credits by {kind}", "chart": series}


def rich(*elements: Json) -> Json:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


SHOWN: dict[str, tuple[Json, str]] = {
    "section": (
        {"type": "section", "text": mrkdwn("*bold* _leaning_ ~gone~ <https://example.com|a link>")},
        "bold leaning gone a link",
    ),
    "fields": (
        {"type": "section", "fields": [mrkdwn("*Subuser*\n`acme`"), plain("*as typed*")]},
        "*as typed*",
    ),
    "header": ({"type": "header", "text": plain("A header")}, "A header"),
    "context": ({"type": "context", "elements": [mrkdwn("small print")]}, "small print"),
    "image": (
        {"type": "image", "image_url": "https://example.com/x.png", "alt_text": "a cat"},
        "Picture: a cat",
    ),
    "actions": ({"type": "actions", "elements": [button("Press me", style="danger")]}, "Press me"),
    "markdown": ({"type": "markdown", "text": "## Title\n\n- **one**\n- `two`"}, "Title"),
    "card": (
        {"type": "card", "title": mrkdwn("A card"), "body": mrkdwn("Body"), "actions": [button("Open")]},
        "A card",
    ),
    "carousel": (
        {"type": "carousel", "elements": [{"type": "card", "title": mrkdwn("In a row")}]},
        "In a row",
    ),
    "container": (
        {
            "type": "container",
            "title": plain("A container"),
            "child_blocks": [{"type": "section", "text": plain("Inside")}],
        },
        "Inside",
    ),
    "rich_text": (
        rich({"type": "user", "user_id": BOB}, {"type": "text", "text": " is bold", "style": {"bold": True}}),
        "@Bob is bold",
    ),
    "table": (
        {
            "type": "table",
            "rows": [[{"type": "raw_text", "text": "Subuser"}], [rich({"type": "text", "text": "acme"})]],
        },
        "acme",
    ),
    "line": (chart("line"), "Credits by line"),
    "bar": (chart("bar"), "Credits by bar"),
    "pie": (chart("pie"), "Sep: 300"),
}


def posted(stage: Stage, seat: Seat, *blocks: Json) -> Locator:
    """Post as the bot does, and find it on the page."""
    message = stage.slack.workspace.post(GENERAL, stage.slack.bot_user_id, blocks=blocks)
    return seat.page.locator(f'[data-ts="{message.ts}"] .body')


async def test_blocks_are_drawn(stage: Stage, seat: Seat) -> None:
    for block, text in SHOWN.values():
        body = posted(stage, seat, block)
        await expect(body).to_contain_text(text)
        await expect(body.locator(".unknown")).to_have_count(0)
    divider = posted(stage, seat, {"type": "divider"})
    await expect(divider.locator("hr")).to_have_count(1)


async def test_a_chart_can_be_read_without_seeing_it(stage: Stage, seat: Seat) -> None:
    body = posted(stage, seat, chart("bar"))
    await expect(body.get_by_role("img")).to_have_accessible_name(
        "Credits by bar. acme: Sep 300, Oct 1,200, Nov 900"
    )
    boxes = [await bar.bounding_box() for bar in await body.locator("rect.bar").all()]
    heights = [box["height"] for box in boxes if box]
    assert len(heights) == 3
    assert heights[0] < heights[2] < heights[1]


async def test_a_block_that_is_not_known_is_named(stage: Stage, seat: Seat) -> None:
    for kind in sorted(NOT_DRAWN | {"hologram"}):
        body = posted(stage, seat, {"type": kind}, {"type": "section", "text": plain("goes on")})
        await expect(body.locator(".unknown")).to_contain_text(f"Not shown: a block of type {kind}.")
        await expect(body).to_contain_text("goes on")


async def test_every_block_of_the_sandbox_is_drawn_or_listed_as_not() -> None:
    drawn = {block["type"] for block, _ in SHOWN.values()} | {"divider", "input", "alert", "context_actions"}
    assert drawn | NOT_DRAWN == set(SURFACES)


async def test_the_fields_of_a_modal_are_drawn_and_read(stage: Stage, seat: Seat) -> None:
    options = [{"text": plain(word), "value": word.lower()} for word in ("Add", "Remove")]

    def asks(name: str, **element: Any) -> Json:
        return {
            "type": "input",
            "block_id": name,
            "label": plain(name),
            "element": {"action_id": name, **element},
        }

    view = stage.slack.workspace.open_modal(
        ALICE,
        {
            "type": "modal",
            "title": plain("Every field"),
            "submit": plain("Send"),
            "blocks": [
                {"type": "alert", "level": "warning", "text": mrkdwn("*Mind* the gap")},
                asks("Number", type="number_input", is_decimal_allowed=False, min_value="5"),
                asks("Way", type="radio_buttons", options=options),
                asks("Ticks", type="checkboxes", options=options),
                asks("Day", type="datepicker", initial_date="2026-11-22"),
                asks("Who", type="users_select"),
            ],
        },
    )
    await expect(seat.modal.locator(".alert")).to_have_text("Mind the gap")
    send = seat.modal.get_by_role("button", name="Send")
    await seat.modal.get_by_label("Number").fill("4")
    await send.click()
    await expect(seat.modal.locator("[data-block=Number] .error")).to_have_text("At least 5.")
    await seat.modal.get_by_label("Number").fill("7")
    await seat.modal.get_by_role("radio", name="Remove").check()
    await seat.modal.get_by_role("checkbox", name="Add").check()
    await seat.modal.get_by_label("Who").select_option("Bob")
    await send.click()
    await stage.slack.until(lambda: view.state)
    told = {name: next(iter(fields.values())) for name, fields in view.state.items()}
    assert told["Number"]["value"] == "7"
    assert told["Way"]["selected_option"]["value"] == "remove"
    assert [option["value"] for option in told["Ticks"]["selected_options"]] == ["add"]
    assert told["Day"]["selected_date"] == "2026-11-22"
    assert told["Who"]["selected_user"] == BOB
    stage.slack.workspace.close_modal(view)
    await expect(seat.modal).to_be_hidden()
