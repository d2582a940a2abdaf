"""The page's server: whom it lets in, what it tells, and how it acts."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from creditbot.sandbox.demo import CAST
from creditbot.sandbox.page import PageServer
from creditbot.sandbox.page.record import Record
from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser
from creditbot.sandbox.slack import SlackSandbox
from creditbot.sandbox.world import ALICE, BOB, GENERAL, furnish_slack
from creditbot.slack.commands import USAGE

PATIENCE = 15

Json = dict[str, Any]


@pytest.fixture
async def slack() -> AsyncIterator[SlackSandbox]:
    async with SlackSandbox(ack_window=0.2) as slack:
        furnish_slack(slack)
        yield slack


@pytest.fixture
async def sendgrid() -> AsyncIterator[SendGridSandbox]:
    async with SendGridSandbox() as sendgrid:
        sendgrid.account.add_subuser(Subuser("acme", "nonrecurring", remain=1200, total=20000))
        yield sendgrid


@pytest.fixture
async def page(slack: SlackSandbox, sendgrid: SendGridSandbox, tmp_path: Path) -> AsyncIterator[PageServer]:
    database = tmp_path / "creditbot.db"
    async with PageServer(slack, sendgrid, database=database, cast=CAST, usage=USAGE) as page:
        yield page


@pytest.fixture
async def browser(page: PageServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(page.url) as session:
        yield session


async def act(browser: aiohttp.ClientSession, deed: str, /, **what: Any) -> tuple[int, Json]:
    async with browser.post(f"/act/{deed}", json=what) as answer:
        return answer.status, await answer.json()


class News:
    """The stream of events, read one at a time."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def next(self, wanted: str) -> Any:
        """The data of the next event of this name."""
        async with asyncio.timeout(PATIENCE):
            while True:
                name = (await self._answer.content.readline()).decode().strip()
                if name == f"event: {wanted}":
                    data = (await self._answer.content.readline()).decode()
                    return json.loads(data.removeprefix("data: "))


@pytest.fixture
async def news(browser: aiohttp.ClientSession) -> AsyncIterator[News]:
    async with browser.get("/events") as answer:
        assert answer.content_type == "text/event-stream"
        yield News(answer)


PLACES = [("GET", "/"), ("GET", "/static/app.js"), ("GET", "/events"), ("POST", "/act/say")]


@pytest.mark.parametrize(("method", "path"), PLACES)
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1.evil.example:{port}", "localhost:1"]
)
async def test_a_foreign_host_is_refused(
    browser: aiohttp.ClientSession, page: PageServer, method: str, path: str, host: str
) -> None:
    port = page.url.rstrip("/").rpartition(":")[2]
    headers = {"Host": host.format(port=port)}
    async with browser.request(method, path, headers=headers, json={}) as answer:
        assert answer.status == 403


@pytest.mark.parametrize(("method", "path"), PLACES)
@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:1", "null", "http://localhost"])
async def test_a_foreign_origin_is_refused(
    browser: aiohttp.ClientSession, method: str, path: str, origin: str
) -> None:
    async with browser.request(method, path, headers={"Origin": origin}, json={}) as answer:
        assert answer.status == 403


async def test_the_page_itself_is_let_in_by_both_of_its_names(
    browser: aiohttp.ClientSession, page: PageServer
) -> None:
    port = page.url.rstrip("/").rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
        headers = {"Host": host, "Origin": f"http://{host}"}
        async with browser.get("/", headers=headers) as answer:
            assert answer.status == 200
            assert "creditbot sandbox" in await answer.text()


async def test_a_form_of_another_kind_is_not_taken(browser: aiohttp.ClientSession) -> None:
    async with browser.post(
        "/act/say", data="user=U0ALICE", headers={"Content-Type": "text/plain"}
    ) as answer:
        assert answer.status == 415


async def test_nothing_from_elsewhere_may_run_in_the_page(browser: aiohttp.ClientSession) -> None:
    for path in ("/", "/static/style.css", "/events"):
        async with browser.get(path) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'self';")
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/static/../server.py", "/static/%2e%2e/server.py", "/static/"])
async def test_only_the_pages_files_are_served(page: PageServer, path: str) -> None:
    address = URL(page.url.rstrip("/") + path, encoded=True)
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        assert answer.status in {403, 404}


async def test_a_page_that_is_opened_is_told_everything(slack: SlackSandbox, news: News) -> None:
    whole = await news.next("whole")
    assert [person["id"] for person in whole["directory"]["people"]][:2] == [ALICE, BOB]
    assert whole["subusers"]["list"][0]["remain"] == 1200
    assert "/credits add SUBUSER AMOUNT REASON" in whole["usage"]
    assert whole["bot"] == {"connected": False}
    assert whole["record"]["requests"] == []


async def test_what_happens_is_told_as_it_happens(
    slack: SlackSandbox, sendgrid: SendGridSandbox, news: News
) -> None:
    await news.next("whole")
    message = slack.say(ALICE, "hello @bob", channel=GENERAL)
    assert (await news.next("message"))["text"] == "hello <@U0BOB|bob>"
    slack.workspace.delete(message)
    assert (await news.next("message"))["deleted"] is True
    sendgrid.account.send_mail("acme", 5)
    assert (await news.next("subusers"))["list"][0]["remain"] == 1195


async def test_calls_are_told_with_what_became_of_them(
    browser: aiohttp.ClientSession, sendgrid: SendGridSandbox, news: News
) -> None:
    await act(browser, "switch", name="error", on=True)
    headers = {"Authorization": f"Bearer {sendgrid.api_key}", "Accept": "application/json"}
    url = f"{sendgrid.url}/v3/subusers/acme/credits/remaining"
    async with browser.patch(url, json={"allocation_update": 5}, headers=headers) as answer:
        assert answer.status == 500
    while not (calls := await news.next("calls"))[0]["answered"]:
        pass
    assert (calls[0]["body"], calls[0]["status"]) == ({"allocation_update": 5}, 500)
    assert sendgrid.faults.pending == []


async def test_one_switch_is_on_at_a_time(browser: aiohttp.ClientSession, sendgrid: SendGridSandbox) -> None:
    await act(browser, "switch", name="hang", on=True)
    await act(browser, "switch", name="drop", on=True)
    assert [fault.kind for fault in sendgrid.faults.pending] == ["drop_after"]
    await act(browser, "switch", name="drop", on=False)
    assert sendgrid.faults.pending == []


async def test_slack_goes_down_and_comes_back(browser: aiohttp.ClientSession, slack: SlackSandbox) -> None:
    await act(browser, "switch", name="slack_down", on=True)
    assert slack.faults.down
    await act(browser, "switch", name="slack_down", on=False)
    assert not slack.faults.down


async def test_slack_refuses_new_blocks_and_takes_them_again(
    browser: aiohttp.ClientSession, slack: SlackSandbox
) -> None:
    await act(browser, "switch", name="no_figures", on=True)
    assert slack.workspace.lacking == {"data_table", "data_visualization"}
    await act(browser, "switch", name="no_figures", on=False)
    assert not slack.workspace.lacking


async def test_mail_is_stopped_and_flows_again(
    browser: aiohttp.ClientSession, sendgrid: SendGridSandbox
) -> None:
    sendgrid.account.burn_rates["acme"] = 2.0
    await act(browser, "mail", on=False)
    assert sendgrid.account.burn_rates == {}
    await act(browser, "mail", on=True)
    assert sendgrid.account.burn_rates == {"acme": 2.0}


async def test_a_command_without_a_bot_fails_as_slack_says(
    browser: aiohttp.ClientSession, slack: SlackSandbox
) -> None:
    status, told = await act(browser, "say", user=ALICE, channel=GENERAL, text="/credits help")
    assert (status, told["acked"], told["error"]) == (200, False, "dispatch_failed")
    assert "dispatch_failed" in slack.ephemerals(ALICE, GENERAL)[0].text


async def test_a_reply_goes_into_its_thread(browser: aiohttp.ClientSession, slack: SlackSandbox) -> None:
    parent = slack.say(ALICE, "well?", channel=GENERAL)
    await act(browser, "say", user=BOB, channel=GENERAL, text="yes", thread_ts=parent.ts)
    assert slack.messages(GENERAL)[-1].thread_ts == parent.ts


IMPOSSIBLE: list[tuple[str, Json, str]] = [
    ("say", {"user": ALICE, "channel": GENERAL, "text": " "}, "Type a message"),
    ("say", {"user": ALICE, "channel": GENERAL, "text": "/weather"}, "no command /weather"),
    ("say", {"user": ALICE, "channel": GENERAL, "text": "/credits", "thread_ts": "1.2"}, "in threads"),
    ("say", {"user": "U0NOBODY", "channel": GENERAL, "text": "hi"}, "no person"),
    ("say", {"user": ALICE, "channel": "C0NOWHERE", "text": "hi"}, "no channel"),
    ("say", {"user": 7, "channel": GENERAL, "text": "hi"}, "user must be a string"),
    (
        "click",
        {"user": ALICE, "channel": GENERAL, "ts": "1.2", "action_id": "a", "block_id": "b"},
        "message is gone",
    ),
    ("submit", {"user": ALICE, "view": "V0NONE", "values": {}}, "form is closed"),
    ("submit", {"user": ALICE, "view": "V0NONE", "values": {"a": 1}}, "values are strings"),
    ("switch", {"name": "everything", "on": True}, "no switch"),
]


@pytest.mark.parametrize(("name", "what", "why"), IMPOSSIBLE)
async def test_what_a_person_could_not_do_is_refused(
    browser: aiohttp.ClientSession, name: str, what: Json, why: str
) -> None:
    status, told = await act(browser, name, **what)
    assert status == 422
    assert why in told["refused"]


async def test_an_act_that_is_no_json_is_refused(browser: aiohttp.ClientSession) -> None:
    for body in ("{", "[]", "\xff"):
        headers = {"Content-Type": "application/json"}
        async with browser.post("/act/say", data=body.encode("latin-1"), headers=headers) as answer:
            assert answer.status == 422


def test_the_guide_learns_what_the_latest_events_do_not_show_any_more(tmp_path: Path) -> None:
    path = tmp_path / "creditbot.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, from_status TEXT, to_status TEXT)")
        moves = [("applying", "in_doubt"), ("in_doubt", "failed"), *[(None, "pending")] * 200]
        database.executemany("INSERT INTO events (from_status, to_status) VALUES (?, ?)", moves)
        database.commit()
    record = Record(path)
    try:
        read = record.read()
    finally:
        record.close()
    assert all(event["to_status"] == "pending" for event in read["events"])
    assert read["milestones"] == {"applied": False, "doubted": True, "doubt_ended": True}


async def test_the_record_is_told_whenever_something_was_committed(
    page: PageServer, news: News, tmp_path: Path
) -> None:
    await news.next("whole")
    with closing(sqlite3.connect(tmp_path / "creditbot.db")) as connection:
        for table in ("requests", "attempts"):
            connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, status TEXT)")
        connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, from_status TEXT, to_status TEXT)")
        connection.execute("INSERT INTO requests VALUES (1, 'pending')")
        connection.commit()
        while not (record := await news.next("record"))["requests"]:
            pass
        assert record["requests"] == [{"id": 1, "status": "pending"}]
        connection.execute("UPDATE requests SET status = 'applied'")
        connection.commit()
        assert (await news.next("record"))["requests"][0]["status"] == "applied"


async def test_a_click_is_told_to_the_button_of_its_own_block(
    browser: aiohttp.ClientSession, slack: SlackSandbox
) -> None:
    def actions(block_id: str) -> Json:
        button = {
            "type": "button",
            "text": {"type": "plain_text", "text": "Go"},
            "action_id": "go",
            "value": block_id,
        }
        return {"type": "actions", "block_id": block_id, "elements": [button]}

    message = slack.workspace.post(GENERAL, slack.bot_user_id, blocks=[actions("first"), actions("second")])
    where = {"user": ALICE, "channel": GENERAL, "ts": message.ts}
    status, told = await act(browser, "click", **where, action_id="go", block_id="second")
    assert (status, told["acked"]) == (200, False)  # nobody is connected
    assert message.trouble == "dispatch_failed"
    status, _ = await act(browser, "click", **where, action_id="go", block_id="third")
    assert status == 422
