"""The sandbox as its users drive it: the log of calls, waiting, listening, and mail that flows."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from creditbot.sandbox.sendgrid import Change, SendGridSandbox, Subuser


@pytest.fixture
async def sendgrid() -> AsyncIterator[SendGridSandbox]:
    async with SendGridSandbox(clock=lambda: 1000.0) as sandbox:
        sandbox.account.add_subuser(Subuser("acme", type="nonrecurring", remain=100))
        yield sandbox


async def update(sendgrid: SendGridSandbox) -> int:
    headers = {"Authorization": f"Bearer {sendgrid.api_key}"}
    body = {"allocation_update": 5}
    async with (
        aiohttp.ClientSession(sendgrid.url, headers=headers) as client,
        client.patch("/v3/subusers/acme/credits/remaining?x=1", json=body) as answer,
    ):
        return answer.status


async def test_a_call_is_logged_as_it_was_on_the_wire(sendgrid: SendGridSandbox) -> None:
    await update(sendgrid)

    (call,) = sendgrid.calls
    assert (call.method, call.path) == ("PATCH", "/v3/subusers/acme/credits/remaining?x=1")
    assert (call.username, call.on_behalf_of, call.fault) == ("acme", None, None)
    assert (call.body, call.at, call.status) == ({"allocation_update": 5}, 1000.0, 200)


async def test_listeners_follow_an_update_from_call_to_answer(sendgrid: SendGridSandbox) -> None:
    heard: list[Change] = []
    leave = sendgrid.subscribe(heard.append)

    await update(sendgrid)
    leave()
    await update(sendgrid)

    assert [change.topic for change in heard] == ["call", "ledger", "balance", "answer"]
    assert heard[1].subject is sendgrid.account.ledger[0]
    assert heard[-1].subject is sendgrid.calls[0]


async def test_waiting_in_vain_shows_the_recent_calls(sendgrid: SendGridSandbox) -> None:
    await update(sendgrid)

    with pytest.raises(AssertionError, match=r"PATCH /v3/subusers/acme.*'allocation_update': 5.* -> 200"):
        await sendgrid.until(lambda: False, timeout=0)
    with pytest.raises(AssertionError, match="none"):
        await SendGridSandbox().until(lambda: False, timeout=0)


async def test_burning_lowers_a_balance_by_itself(sendgrid: SendGridSandbox) -> None:
    acme = sendgrid.account.subuser("acme")
    assert acme is not None
    sendgrid.account.burn_rates["acme"] = 1000

    sendgrid.start_burn()
    sendgrid.start_burn()

    await sendgrid.until(lambda: acme.remain == 0)
    assert acme.used == 100


async def test_a_sandbox_can_be_started_again_with_its_account() -> None:
    sendgrid = SendGridSandbox()
    sendgrid.account.add_subuser(Subuser("acme", type="nonrecurring"))

    for _ in range(2):
        await sendgrid.start()
        assert await update(sendgrid) == 200
        await sendgrid.stop()

    assert sendgrid.account.applied("acme") == [5, 5]


async def test_a_sandbox_that_is_not_running_has_no_url() -> None:
    sendgrid = SendGridSandbox()

    with pytest.raises(RuntimeError, match="running"):
        _ = sendgrid.url
    with pytest.raises(RuntimeError, match="running"):
        sendgrid.faults.add("refuse")
