"""The sandbox's Web API, called by slack_sdk as a bot calls it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.sandbox.slack import Person, SlackSandbox

CARD: list[dict[str, Any]] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*acme* asks for 5,000 &amp; more"}},
    {
        "type": "actions",
        "block_id": "decide",
        "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Approve"}, "value": "r1"}],
    },
]


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[SlackSandbox]:
    async with SlackSandbox(clock=clock) as sandbox:
        sandbox.workspace.add_person(Person("U1", "ada", "Ada Lovelace", "Europe/London"))
        sandbox.workspace.add_person(Person("U2", "bob", "Bob Hope"))
        sandbox.workspace.add_channel("C1", "approvals", ["U1", "U2"])
        sandbox.workspace.add_channel("C2", "elsewhere", ["U1"], bot_in=False)
        sandbox.workspace.add_channel("C3", "secret", ["U1"], bot_in=False, private=True)
        sandbox.workspace.add_channel("C4", "old", ["U1"], archived=True)
        sandbox.workspace.add_user_group("S1", "finance", ["U1", "U2"])
        yield sandbox


@pytest.fixture
def bot(slack: SlackSandbox) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, timeout=5)


async def refused(call: Any) -> dict[str, Any]:
    with pytest.raises(SlackApiError) as caught:
        await call
    answer = caught.value.response.data
    assert isinstance(answer, dict)
    return answer


async def test_the_bot_learns_who_it_is(slack: SlackSandbox, bot: AsyncWebClient) -> None:
    who = await bot.auth_test()
    assert (who["user_id"], who["team_id"]) == (slack.bot_user_id, slack.team_id)
    assert slack.calls[-1].method == "auth.test"


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (None, "not_authed"),
        ("xoxb-wrong", "invalid_auth"),
        ("xapp-sandbox-app-token", "not_allowed_token_type"),
    ],
)
async def test_a_call_needs_the_right_token(slack: SlackSandbox, token: str | None, error: str) -> None:
    client = AsyncWebClient(token=token, base_url=slack.api_url)
    assert (await refused(client.auth_test()))["error"] == error


async def test_the_socket_url_needs_the_app_token(slack: SlackSandbox, bot: AsyncWebClient) -> None:
    answer = await refused(bot.apps_connections_open(app_token=slack.bot_token))
    assert answer["error"] == "not_allowed_token_type"
    assert (await bot.apps_connections_open(app_token=slack.app_token))["url"].startswith("ws://127.0.0.1:")


async def test_a_scope_that_is_missing_is_named(slack: SlackSandbox, bot: AsyncWebClient) -> None:
    slack.scopes.remove("users:read")
    answer = await refused(bot.users_info(user="U1"))
    assert (answer["error"], answer["needed"]) == ("missing_scope", "users:read")


async def test_an_unknown_method_is_refused(bot: AsyncWebClient) -> None:
    assert (await refused(bot.api_call("chat.shout")))["error"] == "unknown_method"


async def test_a_message_is_posted_changed_and_deleted(slack: SlackSandbox, bot: AsyncWebClient) -> None:
    posted = await bot.chat_postMessage(channel="C1", text="a request", blocks=CARD)
    [message] = slack.messages("C1")
    assert message.ts == posted["ts"]
    assert message.plain() == "*acme* asks for 5,000 & more\nApprove"
    assert message.blocks[1]["elements"][0]["action_id"]

    await bot.chat_update(channel="C1", ts=message.ts, text="done", blocks=[])
    assert (message.plain(), message.edited, len(message.history)) == ("done", True, 1)
    assert message.history[0].blocks[1]["block_id"] == "decide"

    await bot.chat_delete(channel="C1", ts=message.ts)
    assert slack.messages("C1") == []


async def test_an_update_with_a_text_alone_takes_the_blocks_away(
    slack: SlackSandbox, bot: AsyncWebClient
) -> None:
    posted = await bot.chat_postMessage(channel="C1", text="a request", blocks=CARD)
    await bot.chat_update(channel="C1", ts=posted["ts"], text="changed")
    assert slack.messages("C1")[0].plain() == "changed"
    await bot.api_call("chat.update", json={"channel": "C1", "ts": posted["ts"], "blocks": CARD})
    [message] = slack.messages("C1")
    assert (message.text, len(message.blocks)) == ("changed", 2)


async def test_messages_may_come_as_forms_and_in_the_query(slack: SlackSandbox) -> None:
    form = {"token": slack.bot_token, "channel": "C1", "blocks": json.dumps(CARD)}
    async with aiohttp.ClientSession() as session:
        async with session.post(slack.api_url + "chat.postMessage", data=form) as answer:
            assert (await answer.json())["ok"]
        query = {"token": slack.bot_token, "channel": "C1", "text": "hello"}
        async with session.get(slack.api_url + "chat.postMessage", params=query) as answer:
            assert (await answer.json())["ok"]
        async with session.post(slack.api_url + "chat.postMessage", data={**form, "blocks": "[{"}) as answer:
            assert (await answer.json())["error"] == "invalid_blocks_format"
    assert [message.plain().splitlines()[-1] for message in slack.messages("C1")] == ["Approve", "hello"]
    assert "token" not in slack.calls[0].args


async def test_a_user_id_opens_the_direct_message(slack: SlackSandbox, bot: AsyncWebClient) -> None:
    posted = await bot.chat_postMessage(channel="U1", text="for you")
    assert posted["channel"] == "D1"
    await bot.chat_postMessage(channel="D1", text="again")
    assert [message.text for message in slack.dm("U1")] == ["for you", "again"]
    assert (await bot.conversations_open(users="U1"))["channel"]["id"] == "D1"


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ("C9", "channel_not_found"),
        ("C2", "not_in_channel"),
        ("C3", "channel_not_found"),
        ("C4", "is_archived"),
        ("U9", "user_not_found"),
    ],
)
async def test_a_bot_posts_only_where_it_may(bot: AsyncWebClient, channel: str, error: str) -> None:
    assert (await refused(bot.chat_postMessage(channel=channel, text="hello")))["error"] == error


async def test_messages_that_are_not_the_bots_cannot_be_changed(
    slack: SlackSandbox, bot: AsyncWebClient
) -> None:
    theirs = slack.say("U1", "hello", channel="C1")
    assert (await refused(bot.chat_update(channel="C1", ts=theirs.ts, text="x")))[
        "error"
    ] == "cant_update_message"
    assert (await refused(bot.chat_delete(channel="C1", ts=theirs.ts)))["error"] == "cant_delete_message"
    assert (await refused(bot.chat_update(channel="C1", ts="1.2", text="x")))["error"] == "message_not_found"


async def test_an_ephemeral_message_is_seen_by_one_and_cannot_be_changed(
    slack: SlackSandbox, bot: AsyncWebClient
) -> None:
    posted = await bot.chat_postEphemeral(channel="C1", user="U1", text="psst")
    assert [message.text for message in slack.ephemerals("U1", "C1")] == ["psst"]
    assert slack.messages("C1") == slack.ephemerals("U2") == []
    answer = await refused(bot.chat_update(channel="C1", ts=posted["message_ts"], text="x"))
    assert answer["error"] == "message_not_found"
    answer = await refused(bot.chat_postEphemeral(channel="C1", user="U7", text="psst"))
    assert answer["error"] == "user_not_in_channel"


async def test_a_refusal_names_the_fault_and_its_place(bot: AsyncWebClient) -> None:
    bad = [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]
    answer = await refused(bot.chat_postMessage(channel="C1", text="x", blocks=bad))
    assert answer["error"] == "invalid_blocks"
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] must be less than 151 characters [json-pointer:/blocks/0/text/text]"
    ]


async def test_a_missing_argument_is_named(bot: AsyncWebClient) -> None:
    answer = await refused(bot.api_call("chat.update", json={"channel": "C1"}))
    assert answer["error"] == "invalid_arguments"
    assert answer["response_metadata"]["messages"] == ["[ERROR] missing required field: ts"]
    assert (await refused(bot.api_call("chat.postMessage", json={"channel": "C1"})))["error"] == "no_text"


async def test_a_message_has_a_permalink(bot: AsyncWebClient) -> None:
    posted = await bot.chat_postMessage(channel="C1", text="hello")
    link = await bot.chat_getPermalink(channel="C1", message_ts=posted["ts"])
    assert link["permalink"].endswith("/archives/C1/p" + posted["ts"].replace(".", ""))
    assert (await refused(bot.chat_getPermalink(channel="C1", message_ts="1.1")))[
        "error"
    ] == "message_not_found"


async def test_people_groups_and_channels_can_be_looked_up(slack: SlackSandbox, bot: AsyncWebClient) -> None:
    user = (await bot.users_info(user="U1"))["user"]
    assert (user["name"], user["real_name"], user["tz"]) == ("ada", "Ada Lovelace", "Europe/London")
    assert (await refused(bot.users_info(user="U9")))["error"] == "user_not_found"
    assert (await bot.users_info(user=slack.bot_user_id))["user"]["is_bot"]

    [group] = (await bot.usergroups_list(include_users=True))["usergroups"]
    assert (group["id"], group["handle"], group["users"]) == ("S1", "finance", ["U1", "U2"])
    assert (await bot.usergroups_users_list(usergroup="S1"))["users"] == ["U1", "U2"]
    assert (await refused(bot.usergroups_users_list(usergroup="S9")))["error"] == "no_such_subteam"

    assert (await bot.conversations_info(channel="C2"))["channel"]["is_member"] is False
    assert (await refused(bot.conversations_info(channel="C3")))["error"] == "channel_not_found"
    assert (await bot.conversations_members(channel="C1"))["members"] == [slack.bot_user_id, "U1", "U2"]


async def test_every_ts_is_later_than_the_one_before(slack: SlackSandbox, bot: AsyncWebClient) -> None:
    stamps = [(await bot.chat_postMessage(channel="C1", text="hello"))["ts"] for _ in range(3)]
    assert stamps == sorted(set(stamps))


async def test_faults_come_in_the_order_in_which_they_were_set(
    slack: SlackSandbox, bot: AsyncWebClient
) -> None:
    slack.faults.fail("chat.postMessage", error="channel_not_found")
    slack.faults.http("chat.postMessage", status=429, headers={"Retry-After": "1"})
    assert (await refused(bot.chat_postMessage(channel="C1", text="a")))["error"] == "channel_not_found"
    with pytest.raises(SlackApiError) as caught:
        await bot.chat_postMessage(channel="C1", text="b")
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "1"
    assert (await bot.chat_postMessage(channel="C1", text="c"))["ok"]
    assert [message.text for message in slack.messages("C1")] == ["c"]


async def test_a_dropped_connection_leaves_the_effect(slack: SlackSandbox) -> None:
    slack.faults.after("chat.postMessage")
    # By default the SDK tries again after a broken connection, and so posts twice.
    once = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
    with pytest.raises(aiohttp.ClientError):
        await once.chat_postMessage(channel="C1", text="landed")
    assert [message.text for message in slack.messages("C1")] == ["landed"]
    assert slack.calls[-1].status is None


async def test_a_hanging_call_is_carried_out_when_the_fault_ends(slack: SlackSandbox) -> None:
    slack.faults.hang("chat.postMessage", seconds=60)
    impatient = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, timeout=0.05)  # type: ignore[arg-type] # the SDK passes it on to aiohttp, which takes fractions
    with pytest.raises(TimeoutError):
        await impatient.chat_postMessage(channel="C1", text="late")
    assert slack.messages("C1") == []
    slack.faults.clear()
    assert await slack.until(lambda: slack.messages("C1")[0].text) == "late"


async def test_slack_may_be_down(slack: SlackSandbox, bot: AsyncWebClient) -> None:
    slack.faults.down = True
    with pytest.raises(SlackApiError) as caught:
        await bot.auth_test()
    assert caught.value.response.status_code == 503
    slack.faults.down = False
    assert (await bot.auth_test())["ok"]


async def test_the_address_stays_over_a_restart(slack: SlackSandbox, bot: AsyncWebClient) -> None:
    before = slack.api_url
    await slack.stop()
    await slack.start()
    assert slack.api_url == before
    assert (await bot.auth_test())["ok"]


async def test_waiting_in_vain_tells_what_was_said(slack: SlackSandbox, bot: AsyncWebClient) -> None:
    await bot.chat_postMessage(channel="C1", text="something else")
    with pytest.raises(AssertionError, match="something else"):
        await slack.until(lambda: slack.messages("C1")[5], timeout=0)


async def test_changes_can_be_followed(slack: SlackSandbox, bot: AsyncWebClient) -> None:
    heard: list[str] = []
    unsubscribe = slack.workspace.subscribe(lambda change: heard.append(change.kind))
    await bot.chat_postMessage(channel="C1", text="hello")
    unsubscribe()
    await bot.chat_postMessage(channel="C1", text="hello")
    assert heard == ["message_posted", "api_called"]
