"""Every block that the sandbox's Slack takes is drawn, and one that the page does not know is named."""

from typing import Any

import pytest
from playwright.async_api import Locator, expect

from creditbot.sandbox.slack.limits_blocks import SURFACES
from creditbot.sandbox.world import ALICE, BOB, GENERAL

from .conftest import PHONE, OpenPage
from .seat import Seat
from .stage import Stage
from .test_accessibility import faults

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


def data_table(rows: int, **more: Any) -> Json:
    """Names that are sorted by letters, and numbers that are not."""
    headings = [{"type": "raw_text", "text": text} for text in ("Subuser", "Remaining")]
    cells = [
        [
            {"type": "raw_text", "text": f"customer-{n}"},
            {"type": "raw_number", "value": 10**n, "text": f"{10**n:,}"},
        ]
        for n in range(1, rows + 1)
    ]
    return {"type": "data_table", "caption": "Who is low", "rows": [headings, *cells], **more}


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
    "data_table": (data_table(7), "customer-1"),
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


async def test_a_data_table_is_paged_and_sorted_by_keyboard_and_by_mouse(stage: Stage, seat: Seat) -> None:
    body = posted(stage, seat, data_table(12))
    table = body.get_by_role("table", name="Who is low")
    remaining = table.get_by_role("columnheader", name="Remaining")
    rows, where = table.get_by_role("rowheader"), body.get_by_role("status")
    await expect(rows).to_have_text([f"customer-{n}" for n in range(1, 6)])
    await expect(where).to_have_text("1–5 of 12")

    await remaining.get_by_role("button").focus()
    for order, first in (("ascending", 1), ("descending", 12), ("none", 1)):
        await seat.page.keyboard.press("Enter")
        await expect(remaining).to_have_attribute("aria-sort", order)
        await expect(rows.first).to_have_text(f"customer-{first}")
    await table.get_by_role("columnheader", name="Subuser").get_by_role("button").click()
    await expect(rows.nth(1)).to_have_text("customer-10")

    on, back = (body.get_by_role("button", name=f"{way} page") for way in ("Next", "Previous"))
    await expect(back).to_have_attribute("aria-disabled", "true")
    await on.click()
    await on.click()
    await expect(where).to_have_text("11–12 of 12")
    await on.press("Enter")  # at its end it stays where it is, and keeps the focus
    await expect(on).to_be_focused()
    await expect(rows).to_have_text(["customer-8", "customer-9"])


async def test_figures_fit_a_phone(stage: Stage, open_page: OpenPage) -> None:
    seat = await open_page(stage, viewport=PHONE, color_scheme="dark")
    message = stage.slack.workspace.post(
        GENERAL, stage.slack.bot_user_id, blocks=[data_table(12, page_size=10), chart("line")]
    )
    body = seat.page.locator(f'[data-ts="{message.ts}"] .body')
    await expect(body.get_by_role("img")).to_be_visible()
    for figure in await body.locator("figure").all():
        box = await figure.bounding_box()
        assert box
        assert box["x"] + box["width"] <= PHONE["width"]
    assert await faults(seat.page) == []


async def test_a_home_tab_is_drawn_and_drawn_anew_where_it_stands(stage: Stage, seat: Seat) -> None:
    def shown(text: str) -> Json:
        return {
            "type": "home",
            "blocks": [
                {"type": "header", "text": plain("Waiting for you")},
                {"type": "section", "text": mrkdwn(text)},
                {"type": "actions", "block_id": "doors", "elements": [button("Who is low", value="low")]},
            ],
        }

    await seat.act_as("Bob")
    await seat.go_to("creditbot")
    await seat.page.get_by_role("tab", name="Home").click()
    stage.slack.workspace.publish_home(BOB, shown("`acme` has *4 days*"))
    home = seat.page.get_by_role("tabpanel", name="Home")
    await expect(home.get_by_role("heading", name="Waiting for you")).to_be_visible()
    await home.get_by_role("button", name="Who is low").focus()
    stage.slack.workspace.publish_home(BOB, shown("`acme` has *3 days*"))
    await expect(home).to_contain_text("acme has 3 days")
    await expect(home.get_by_role("button", name="Who is low")).to_be_focused()


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
