"""The exact HTTP of SendGrid: what is sent, and how each documented answer is read."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import respx

from creditbot.domain.credits import (
    Applied,
    Balance,
    InDoubt,
    NotSent,
    PatchOutcome,
    RateLimited,
    Refused,
    SubuserCredits,
)
from creditbot.domain.errors import DomainError
from creditbot.sendgrid.budget import AT_ONCE, NoRoom
from creditbot.sendgrid.client import SendGrid
from creditbot.sendgrid.problems import SendGridProblem
from creditbot.settings.environment import SENDGRID_HOSTS

URL = "https://api.sendgrid.com"
CREDITS = f"{URL}/v3/subusers/acme/credits"
REMAINING = f"{CREDITS}/remaining"

# The bodies of the reference pages.
BALANCE = {
    "remain": 200,
    "total": 200,
    "overage": 0,
    "used": 0,
    "last_reset": "2013-01-01",
    "next_reset": "2013-02-01",
    "reset_frequency": "monthly",
}
SUBUSER_CREDITS = {
    "type": "nonrecurring",
    "reset_frequency": None,
    "remain": 99,
    "total": None,
    "used": None,
}
NO_USER = {"errors": [{"field": None, "message": "No user found"}]}


@pytest.fixture
def router() -> Iterator[respx.MockRouter]:
    with respx.mock(using="httpx", assert_all_called=False) as router:
        yield router


@pytest.fixture
async def sendgrid() -> AsyncIterator[SendGrid]:
    client = SendGrid.connect("SG.made-up", URL, 5.0)
    yield client
    await client.close()


def sent(router: respx.MockRouter) -> list[httpx.Request]:
    return [call.request for call in router.calls]


@pytest.mark.parametrize("amount", [1, 5000, 1_000_000_000, -1, -5000])
async def test_the_patch_carries_the_signed_amount_and_nothing_else(
    router: respx.MockRouter, sendgrid: SendGrid, amount: int
) -> None:
    router.patch(REMAINING).respond(json=SUBUSER_CREDITS)

    outcome = await sendgrid.update_remaining("acme", amount)

    [request] = sent(router)
    assert (request.method, str(request.url)) == ("PATCH", REMAINING)
    assert json.loads(request.content) == {"allocation_update": amount}
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == "Bearer SG.made-up"
    assert request.headers["accept"] == "application/json"
    assert "on-behalf-of" not in request.headers
    assert isinstance(outcome, Applied)
    assert outcome.credits == SubuserCredits(type="nonrecurring", remain=99)
    assert json.loads(outcome.body) == SUBUSER_CREDITS


async def test_each_read_asks_its_own_endpoint(router: respx.MockRouter, sendgrid: SendGrid) -> None:
    router.get(f"{URL}/v3/user/credits").respond(json=BALANCE)
    router.get(CREDITS).respond(json=SUBUSER_CREDITS | {"type": "recurring", "total": 100, "used": 1})

    balance, credits_ = await sendgrid.balance(), await sendgrid.subuser_credits("acme")

    assert balance == Balance(200, 200, 0, 0, "2013-01-01", "2013-02-01", "monthly")
    assert credits_ == SubuserCredits(type="recurring", remain=99, total=100, used=1)
    for request in sent(router):
        assert request.headers["authorization"] == "Bearer SG.made-up"
        assert request.headers["accept"] == "application/json"
        assert request.content == b""


@pytest.mark.parametrize("on_behalf_of", ["acme", "account-id 12", "john@example.com", "žluťoučký"])
async def test_on_behalf_of_is_sent_as_spelt_and_never_leaks_into_the_next_call(
    router: respx.MockRouter, sendgrid: SendGrid, on_behalf_of: str
) -> None:
    router.get(f"{URL}/v3/user/credits").respond(json=BALANCE)
    router.get(CREDITS).respond(json=SUBUSER_CREDITS)
    router.patch(REMAINING).respond(json=SUBUSER_CREDITS)

    await sendgrid.balance(on_behalf_of)
    await sendgrid.balance()
    await sendgrid.subuser_credits("acme")
    await sendgrid.update_remaining("acme", 1)

    found = [dict(request.headers.raw).get(b"on-behalf-of") for request in sent(router)]
    assert found == [on_behalf_of.encode(), None, None, None]


@pytest.mark.parametrize(
    ("region", "host"), [("global", "https://api.sendgrid.com"), ("eu", "https://api.eu.sendgrid.com")]
)
async def test_each_region_has_its_host(router: respx.MockRouter, region: str, host: str) -> None:
    router.patch(f"{host}/v3/subusers/acme/credits/remaining").respond(json=SUBUSER_CREDITS)
    router.get(f"{host}/v3/user/credits").respond(json=BALANCE)
    client = SendGrid.connect("SG.made-up", SENDGRID_HOSTS[region])

    await client.balance()
    await client.update_remaining("acme", 1)
    await client.close()

    assert {f"{request.url.scheme}://{request.url.host}" for request in sent(router)} == {host}


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("a b@c?d#e%", "a%20b%40c%3Fd%23e%25"),
        ("a/../b", "a%2F..%2Fb"),
        ("..%2f", "..%252f"),
        ("žluť+&=;", "%C5%BElu%C5%A5%2B%26%3D%3B"),
        ("John.Doe_1~-", "John.Doe_1~-"),
    ],
)
async def test_a_name_is_one_encoded_segment_of_the_path(
    router: respx.MockRouter, sendgrid: SendGrid, name: str, segment: str
) -> None:
    router.route().respond(json=SUBUSER_CREDITS)

    await sendgrid.subuser_credits(name)
    await sendgrid.update_remaining(name, 1)

    assert [request.url.raw_path for request in sent(router)] == [
        f"/v3/subusers/{segment}/credits".encode(),
        f"/v3/subusers/{segment}/credits/remaining".encode(),
    ]


@pytest.mark.parametrize("name", ["", ".", ".."])
async def test_a_name_that_would_change_the_path_reaches_nobody(
    router: respx.MockRouter, sendgrid: SendGrid, name: str
) -> None:
    router.route().respond(json=SUBUSER_CREDITS)

    with pytest.raises(ValueError, match="segment"):
        await sendgrid.subuser_credits(name)
    outcome = await sendgrid.update_remaining(name, 1)

    assert not isinstance(outcome, Applied)
    assert sent(router) == []


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "Check the subuser's name and the amount."),
        (401, "SENDGRID_API_KEY"),
        (403, "`subusers.credits.remaining.update`"),
        (404, "SENDGRID_API_URL"),
        (406, "bug in creditbot"),
        (415, "bug in creditbot"),
        (422, "ask whoever runs creditbot"),
        (451, "SENDGRID_REGION"),
    ],
)
async def test_a_clear_no_to_the_patch_is_a_refusal_that_says_what_to_do(
    router: respx.MockRouter, sendgrid: SendGrid, status: int, words: str
) -> None:
    router.patch(REMAINING).respond(status, json=NO_USER)

    outcome = await sendgrid.update_remaining("acme", 1)

    assert isinstance(outcome, Refused)
    assert outcome.status == status
    assert outcome.sentence.startswith(f"SendGrid answered {status}: “No user found”. ")
    assert words in outcome.sentence
    assert json.loads(outcome.body) == NO_USER
    assert len(sent(router)) == 1


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 308, 408, 500, 502, 503, 504, 599])
async def test_every_other_status_of_the_patch_is_a_doubt_and_is_not_followed(
    router: respx.MockRouter, sendgrid: SendGrid, status: int
) -> None:
    router.patch(REMAINING).respond(status, headers={"location": REMAINING}, text="<html>")

    outcome = await sendgrid.update_remaining("acme", 1)

    assert isinstance(outcome, InDoubt)
    assert (outcome.status, outcome.body) == (status, "<html>")
    assert len(sent(router)) == 1


@pytest.mark.parametrize("body", ["", "null", "[]", "{}", "200", '{"remain": 9', "<html>", '"remain"'])
async def test_a_200_that_does_not_name_the_credits_is_a_doubt(
    router: respx.MockRouter, sendgrid: SendGrid, body: str
) -> None:
    router.patch(REMAINING).respond(text=body)

    assert await sendgrid.update_remaining("acme", 1) == InDoubt(
        "SendGrid answered 200, but its answer can't be read.", 200, body
    )


async def test_nulls_and_missing_keys_of_an_unlimited_subuser_are_read(
    router: respx.MockRouter, sendgrid: SendGrid
) -> None:
    router.get(CREDITS).respond(json={"type": "unlimited", "remain": None})
    router.get(f"{URL}/v3/user/credits").respond(json={"remain": None, "used": "7", "total": True})

    assert await sendgrid.subuser_credits("acme") == SubuserCredits(type="unlimited")
    assert await sendgrid.balance("acme") == Balance()


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"X-RateLimit-Reset": "20"}, 20.0),
        ({"x-ratelimit-reset": "0"}, 1.0),
        ({"X-RATELIMIT-RESET": "3600"}, 60.0),
        ({"X-RateLimit-Reset": "4102444800"}, 60.0),
        ({"X-RateLimit-Reset": "1000000001"}, 1.0),
        ({"X-RateLimit-Reset": "soon", "Retry-After": "7"}, 7.0),
        ({"X-RateLimit-Reset": "nan"}, 5.0),
        ({}, 5.0),
    ],
)
async def test_the_wait_of_a_rate_limit_is_read_both_ways_and_capped(
    router: respx.MockRouter, sendgrid: SendGrid, headers: dict[str, str], wait: float
) -> None:
    router.patch(REMAINING).respond(429, headers=headers, json={"errors": [{"message": "too many requests"}]})
    router.get(CREDITS).respond(429, headers=headers)

    outcome = await sendgrid.update_remaining("acme", 1)
    with pytest.raises(SendGridProblem) as problem:
        await sendgrid.subuser_credits("acme")

    assert isinstance(outcome, RateLimited)
    assert (outcome.wait, problem.value.wait) == (wait, wait)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (httpx.ConnectError, NotSent),
        (httpx.ConnectTimeout, NotSent),
        (httpx.PoolTimeout, NotSent),
        (httpx.ReadTimeout, InDoubt),
        (httpx.WriteTimeout, InDoubt),
        (httpx.ReadError, InDoubt),
        (httpx.WriteError, InDoubt),
        (httpx.RemoteProtocolError, InDoubt),
        (RuntimeError, InDoubt),
    ],
)
async def test_only_a_failure_to_connect_says_that_nothing_was_sent(
    router: respx.MockRouter, sendgrid: SendGrid, error: type[Exception], outcome: type[PatchOutcome]
) -> None:
    router.patch(REMAINING).mock(side_effect=error("made up"))

    assert isinstance(await sendgrid.update_remaining("acme", 1), outcome)


@pytest.mark.parametrize(
    ("status", "body", "passing", "no_such_user", "words"),
    [
        (400, NO_USER, False, True, "“No user found”. Check the subuser's name"),
        (400, {"errors": [{"message": "bad amount"}]}, False, False, "“bad amount”."),
        (401, {"errors": [{"field": None, "message": "authorization required"}]}, False, False, "API key"),
        (403, {"errors": [{"message": "access forbidden"}]}, False, False, "`subusers.credits.read`"),
        (404, {}, False, False, "SendGrid answered 404. Whoever runs creditbot"),
        (406, {"errors": []}, False, False, "SendGrid answered 406. "),
        (408, {"errors": None}, True, False, "gave up waiting"),
        (415, {"errors": [{}]}, False, False, "SendGrid answered 415. "),
        (429, {"errors": [{"message": "too many requests"}]}, True, False, "rate limit was reached"),
        (451, {"id": "x"}, False, False, "another region"),
        (500, ["surprise"], True, False, "SendGrid has a problem"),
        (503, {"errors": [{"message": "<!channel> & co"}]}, True, False, "&lt;!channel&gt; &amp; co"),
    ],
)
async def test_an_error_of_a_read_becomes_a_sentence_and_says_whether_it_may_pass(
    router: respx.MockRouter,
    sendgrid: SendGrid,
    *,
    status: int,
    body: object,
    passing: bool,
    no_such_user: bool,
    words: str,
) -> None:
    router.get(CREDITS).respond(status, json=body)

    with pytest.raises(SendGridProblem) as problem:
        await sendgrid.subuser_credits("acme")

    assert problem.value.sentence.startswith(f"SendGrid answered {status}")
    assert words in problem.value.sentence
    assert (problem.value.status, problem.value.passing) == (status, passing)
    assert problem.value.no_such_user is no_such_user


async def test_a_missing_scope_is_named_by_the_call_that_needs_it(
    router: respx.MockRouter, sendgrid: SendGrid
) -> None:
    router.route().respond(403, json={"errors": [{"message": "access forbidden"}]})

    with pytest.raises(SendGridProblem, match=r"`user\.credits\.read`"):
        await sendgrid.balance()
    with pytest.raises(SendGridProblem, match=r"`subusers\.read`"):
        await sendgrid.names_like("acme")


@pytest.mark.parametrize("body", ["", "<html>", "7", '"acme"', "null", '{"remain": 1'])
async def test_a_200_that_is_no_document_is_a_problem_that_may_pass(
    router: respx.MockRouter, sendgrid: SendGrid, body: str
) -> None:
    router.get(CREDITS).respond(text=body)

    with pytest.raises(SendGridProblem, match="can't be read") as problem:
        await sendgrid.subuser_credits("acme")

    assert problem.value.passing


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.ReadError, OSError])
async def test_a_read_that_finds_nobody_is_a_problem_that_may_pass(
    router: respx.MockRouter, sendgrid: SendGrid, error: type[Exception]
) -> None:
    router.get(CREDITS).mock(side_effect=error("made up"))

    with pytest.raises(SendGridProblem, match="can't be reached") as problem:
        await sendgrid.subuser_credits("acme")

    assert problem.value.passing


async def test_the_names_that_come_near_are_sought_on_every_page(
    router: respx.MockRouter, sendgrid: SendGrid
) -> None:
    pages = {
        "0": [{"username": f"shop-{number}"} for number in range(500)],
        "500": [{"username": "Acme-Mail"}, {"username": "acme"}, {"id": 3}, "odd"],
        "504": [],
    }
    router.get(f"{URL}/v3/subusers").mock(
        side_effect=lambda request: httpx.Response(200, json=pages[request.url.params["offset"]])
    )

    sentence = await sendgrid.unknown_name("acmemail")

    assert [dict(request.url.params) for request in sent(router)] == [
        {"limit": "500", "offset": "0"},
        {"limit": "500", "offset": "500"},
        {"limit": "500", "offset": "504"},
    ]
    assert sentence.startswith("SendGrid has no subuser `acmemail`. Did you mean `Acme-Mail` or `acme`?")


async def test_a_list_that_can_not_be_read_costs_the_hint_only(
    router: respx.MockRouter, sendgrid: SendGrid
) -> None:
    router.get(f"{URL}/v3/subusers").respond(403)

    assert await sendgrid.unknown_name("acmee") == (
        "SendGrid has no subuser `acmee`. Type the username as SendGrid spells it."
    )


async def test_no_error_shows_the_api_key(router: respx.MockRouter, sendgrid: SendGrid) -> None:
    router.route().mock(side_effect=httpx.ConnectError("no route with Bearer SG.made-up"))

    outcome = await sendgrid.update_remaining("acme", 1)
    with pytest.raises(DomainError) as problem:
        await sendgrid.balance()

    assert "SG.made-up" not in f"{outcome} {problem.value}"


async def test_a_key_that_an_answer_repeats_is_neither_kept_nor_shown(
    router: respx.MockRouter, sendgrid: SendGrid
) -> None:
    said = {"errors": [{"field": None, "message": "SG.made-up may not do that"}]}
    router.patch(REMAINING).respond(403, json=said)
    router.get(CREDITS).respond(403, json=said)
    outcome = await sendgrid.update_remaining("acme", 5)
    assert isinstance(outcome, Refused)
    with pytest.raises(SendGridProblem) as caught:
        await sendgrid.subuser_credits("acme")
    for text in (outcome.body, outcome.sentence, caught.value.sentence):
        assert "SG.made-up" not in text
    assert "[redacted] may not do that" in outcome.body


async def test_what_nobody_waits_for_is_not_asked_where_the_limit_is_for_people(
    router: respx.MockRouter, sendgrid: SendGrid
) -> None:
    nearly_used_up = {"X-RateLimit-Limit": "600", "X-RateLimit-Remaining": "100", "X-RateLimit-Reset": "40"}
    router.get(CREDITS).respond(200, json=SUBUSER_CREDITS, headers=nearly_used_up)
    polling = sendgrid.unhurried()

    assert (await polling.subuser_credits("acme")).remain == 99
    with pytest.raises(NoRoom) as problem:
        await polling.subuser_credits("acme")
    assert (await sendgrid.subuser_credits("acme")).remain == 99

    assert problem.value.wait == pytest.approx(40, abs=5)
    assert len(sent(router)) == 2


async def test_a_change_that_meets_the_limit_keeps_polling_back(
    router: respx.MockRouter, sendgrid: SendGrid
) -> None:
    router.patch(REMAINING).respond(429, headers={"X-RateLimit-Reset": "30"})
    assert isinstance(await sendgrid.update_remaining("acme", 5), RateLimited)
    with pytest.raises(NoRoom):
        await sendgrid.unhurried().subuser_credits("acme")


async def test_few_calls_are_under_way_at_once_for_which_nobody_waits(
    router: respx.MockRouter, sendgrid: SendGrid
) -> None:
    under_way, most = Counter[str](), Counter[str]()

    async def answer(_: httpx.Request) -> httpx.Response:
        under_way["now"] += 1
        most["now"] = max(most["now"], under_way["now"])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        under_way["now"] -= 1
        return httpx.Response(200, json=SUBUSER_CREDITS)

    router.get(CREDITS).mock(side_effect=answer)
    polling, again = sendgrid.unhurried(), sendgrid.unhurried()
    await asyncio.gather(*(one.subuser_credits("acme") for one in [polling, again] * 10))

    assert most["now"] == AT_ONCE
