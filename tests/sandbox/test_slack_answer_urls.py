"""The response URLs of the sandbox: five answers in thirty minutes."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.webhook.async_client import AsyncWebhookClient

from creditbot.sandbox.slack import Person, SlackSandbox


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[SlackSandbox]:
    async with SlackSandbox(clock=clock) as sandbox:
        sandbox.workspace.add_person(Person("U1", "ada", "Ada Lovelace"))
        sandbox.workspace.add_channel("C1", "approvals", ["U1"])
        yield sandbox


@pytest.fixture
async def hook(slack: SlackSandbox) -> AsyncWebhookClient:
    # Nobody is connected, so the command fails; its URL is as good as any.
    delivery = await slack.command("U1", "/credits", channel="C1")
    slack.workspace.delete(slack.ephemerals("U1")[0])
    return AsyncWebhookClient(delivery.payload["response_url"])


async def clicked(slack: SlackSandbox, *, visible_to: str | None = None) -> tuple[Any, AsyncWebhookClient]:
    message = slack.workspace.post("C1", slack.bot_user_id, text="card", visible_to=visible_to)
    delivery = await slack.click_raw("U1", message=message, action_id="ok", value="1")
    return message, AsyncWebhookClient(delivery.payload["response_url"])


async def test_five_answers_are_taken(slack: SlackSandbox, hook: AsyncWebhookClient) -> None:
    answers = [await hook.send(text=f"answer {n}") for n in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [404]
    assert "used_url" in answers[5].body
    assert len(slack.ephemerals("U1", "C1")) == 5


async def test_no_answer_is_taken_after_half_an_hour(hook: AsyncWebhookClient, clock: Clock) -> None:
    clock.now += 30 * 60
    assert (await hook.send(text="in time")).status_code == 200
    clock.now += 1
    late = await hook.send(text="late")
    assert late.status_code == 404
    assert "expired_url" in late.body


async def test_a_made_up_address_is_refused(slack: SlackSandbox) -> None:
    url = slack.api_url.replace("/api/", "/response/guessed")
    assert (await AsyncWebhookClient(url).send(text="x")).status_code == 404


async def test_bad_blocks_are_refused(slack: SlackSandbox, hook: AsyncWebhookClient) -> None:
    answer = await hook.send(blocks=[{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}])
    assert answer.status_code == 400
    assert "invalid_blocks" in answer.body
    assert slack.ephemerals("U1") == []


async def test_an_answer_may_be_for_all(slack: SlackSandbox, hook: AsyncWebhookClient) -> None:
    await hook.send(text="public", response_type="in_channel")
    assert [message.text for message in slack.messages("C1")] == ["public"]


async def test_a_command_has_no_original_to_replace(slack: SlackSandbox, hook: AsyncWebhookClient) -> None:
    await hook.send(text="first")
    await hook.send(text="second", replace_original=True)
    await hook.send(delete_original=True)
    assert [message.text for message in slack.ephemerals("U1")] == ["first", "second"]


async def test_the_clicked_message_is_replaced_and_stays_as_visible_as_it_was(slack: SlackSandbox) -> None:
    message, hook = await clicked(slack, visible_to="U1")
    await hook.send(text="changed", replace_original=True, response_type="in_channel")
    assert (message.text, message.visible_to) == ("changed", "U1")
    assert slack.messages("C1") == []
    await hook.send(delete_original=True)
    assert slack.ephemerals("U1") == []


async def test_an_answer_without_replacing_stands_beside(slack: SlackSandbox) -> None:
    message, hook = await clicked(slack)
    await hook.send(text="beside")
    assert message.text == "card"
    assert [m.text for m in slack.ephemerals("U1")] == ["beside"]


async def test_faults_reach_the_response_urls(slack: SlackSandbox, hook: AsyncWebhookClient) -> None:
    slack.faults.http("response_url", status=500)
    slack.faults.fail("response_url", error="channel_not_found")
    assert (await hook.send(text="a")).status_code == 500
    assert (await hook.send(text="b")).status_code == 400
    assert (await hook.send(text="c")).status_code == 200
    slack.faults.down = True
    assert (await hook.send(text="d")).status_code == 503
