"""The sandbox's endpoints and errors, as a client on a real socket sees them."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from httpx_aiohttp import AiohttpTransport

from creditbot.sandbox.sendgrid import SCOPES, Account, Balance, BelowZero, SendGridSandbox, Subuser

NO_USER_FOUND = {"errors": [{"field": None, "message": "No user found"}]}
FORBIDDEN = {"errors": [{"field": None, "message": "access forbidden"}]}
NOON_OF_2013_01_01 = 1357041600.0


def client_of(sendgrid: SendGridSandbox) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {sendgrid.api_key}"}
    return httpx.AsyncClient(transport=AiohttpTransport(verify=False), base_url=sendgrid.url, headers=headers)


@pytest.fixture
async def sendgrid() -> AsyncIterator[SendGridSandbox]:
    async with SendGridSandbox(clock=lambda: NOON_OF_2013_01_01) as sandbox:
        account = sandbox.account
        account.add_subuser(Subuser("rec", type="recurring", remain=90, total=100, used=10))
        account.add_subuser(Subuser("once", type="nonrecurring", remain=40, total=50, used=10))
        account.add_subuser(Subuser("free"))
        yield sandbox


@pytest.fixture
async def client(sendgrid: SendGridSandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(sendgrid) as client:
        yield client


async def update(client: httpx.AsyncClient, username: str, allocation_update: object) -> httpx.Response:
    body = {"allocation_update": allocation_update}
    return await client.patch(f"/v3/subusers/{username}/credits/remaining", json=body)


async def test_the_parents_balance_has_every_documented_key(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v3/user/credits")

    assert answer.status_code == 200
    assert answer.json() == {
        "remain": 1_000_000,
        "total": 1_000_000,
        "overage": 0,
        "used": 0,
        "last_reset": "2013-01-01",
        "next_reset": "2013-02-01",
        "reset_frequency": "monthly",
    }


async def test_a_balance_can_be_read_on_behalf_of_a_subuser(
    sendgrid: SendGridSandbox, client: httpx.AsyncClient
) -> None:
    answer = await client.get("/v3/user/credits", headers={"on-behalf-of": "rec"})

    assert (answer.json()["remain"], answer.json()["next_reset"]) == (90, "2013-02-01")
    assert sendgrid.calls[-1].on_behalf_of == "rec"
    assert sendgrid.calls[-1].username is None


async def test_a_balance_can_be_read_on_behalf_of_a_customer_account(
    sendgrid: SendGridSandbox, client: httpx.AsyncClient
) -> None:
    sendgrid.account.add_customer_account("12345", Balance(remain=7, total=9, reset_frequency="daily"))
    sendgrid.account.add_subuser(Subuser("12345", type="nonrecurring", remain=1))

    found = await client.get("/v3/user/credits", headers={"on-behalf-of": "account-id 12345"})
    subuser = await client.get("/v3/user/credits", headers={"on-behalf-of": "12345"})

    assert (found.json()["remain"], subuser.json()["remain"]) == (7, 1)


@pytest.mark.parametrize("on_behalf_of", ["nobody", "account-id 1", "REC"])
async def test_a_balance_on_behalf_of_nobody_is_not_found(
    client: httpx.AsyncClient, on_behalf_of: str
) -> None:
    answer = await client.get("/v3/user/credits", headers={"on-behalf-of": on_behalf_of})

    assert (answer.status_code, answer.json()) == (400, NO_USER_FOUND)


@pytest.mark.parametrize(("report_nulls", "number", "text"), [(True, None, None), (False, 0, "")])
async def test_what_an_unlimited_subuser_lacks_is_null_or_empty(
    sendgrid: SendGridSandbox, client: httpx.AsyncClient, report_nulls: bool, number: object, text: object
) -> None:
    sendgrid.account.add_subuser(Subuser("big", report_nulls=report_nulls))

    credits_ = (await client.get("/v3/user/credits", headers={"on-behalf-of": "big"})).json()

    assert [credits_[key] for key in ("remain", "total", "overage")] == [number] * 3
    assert [credits_[key] for key in ("next_reset", "reset_frequency")] == [text] * 2


async def test_the_credits_of_a_subuser_follow_its_type(client: httpx.AsyncClient) -> None:
    async def read(username: str) -> object:
        return (await client.get(f"/v3/subusers/{username}/credits")).json()

    nothing = {"reset_frequency": None, "total": None, "used": None}
    assert await read("rec") == {
        "type": "recurring",
        "reset_frequency": "monthly",
        "remain": 90,
        "total": 100,
        "used": 10,
    }
    assert await read("once") == {"type": "nonrecurring", "remain": 40, **nothing}
    assert await read("free") == {"type": "unlimited", "remain": None, **nothing}
    assert await read("nobody") == NO_USER_FOUND


async def test_used_can_be_reported_as_computed(sendgrid: SendGridSandbox, client: httpx.AsyncClient) -> None:
    sendgrid.account.used_is_computed = True

    assert (await update(client, "rec", -10)).json()["used"] == 10
    sendgrid.account.send_mail("rec", 30)
    assert (await update(client, "rec", 1000)).json()["used"] == 40


async def test_updates_are_deltas_and_count_each_time(
    sendgrid: SendGridSandbox, client: httpx.AsyncClient
) -> None:
    answers = [await update(client, "rec", amount) for amount in (50, 50, -30)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[-1].json() == {
        "type": "recurring",
        "reset_frequency": "monthly",
        "remain": 160,
        "total": 170,
        "used": 10,
    }
    assert sendgrid.account.applied("rec") == [50, 50, -30]


async def test_credits_of_an_unlimited_subuser_can_not_be_updated(
    sendgrid: SendGridSandbox, client: httpx.AsyncClient
) -> None:
    answer = await update(client, "free", 5)

    assert answer.status_code == 400
    assert "unlimited" in answer.json()["errors"][0]["message"]
    assert sendgrid.account.ledger == []


@pytest.mark.parametrize(
    ("policy", "status", "remain", "applied"),
    [("refuse", 400, 40, []), ("clamp", 200, 0, [-41]), ("negative", 200, -1, [-41])],
)
async def test_removing_more_than_remains_follows_the_policy(
    sendgrid: SendGridSandbox,
    client: httpx.AsyncClient,
    *,
    policy: BelowZero,
    status: int,
    remain: int,
    applied: list[int],
) -> None:
    sendgrid.account.below_zero = policy

    assert (await update(client, "once", -41)).status_code == status

    assert (await client.get("/v3/subusers/once/credits")).json()["remain"] == remain
    assert sendgrid.account.applied("once") == applied


@pytest.mark.parametrize("amount", [True, 1.0, "5", None, [5], float("nan")])
async def test_an_amount_that_is_no_integer_is_refused(
    sendgrid: SendGridSandbox, client: httpx.AsyncClient, amount: object
) -> None:
    answer = await client.patch(
        "/v3/subusers/rec/credits/remaining",
        content=json.dumps({"allocation_update": amount}),
        headers={"content-type": "application/json"},
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "allocation_update"
    assert sendgrid.account.ledger == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b"{}", b"\xff", b"[" * 100_000])
async def test_a_body_that_holds_no_amount_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.patch(
        "/v3/subusers/rec/credits/remaining",
        content=body,
        headers={"content-type": "application/json; charset=utf-8"},
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "allocation_update"


async def test_a_body_that_is_not_declared_as_json_is_refused(
    sendgrid: SendGridSandbox, client: httpx.AsyncClient
) -> None:
    answer = await client.patch(
        "/v3/subusers/rec/credits/remaining",
        content=b'{"allocation_update": 1}',
        headers={"content-type": "text/plain"},
    )

    assert answer.status_code == 415
    assert sendgrid.account.ledger == []


async def test_a_missing_subuser_is_a_bad_request_rather_than_not_found(client: httpx.AsyncClient) -> None:
    answer = await update(client, "nobody", 1)

    assert (answer.status_code, answer.json()) == (400, NO_USER_FOUND)


@pytest.mark.parametrize("authorization", ["Bearer wrong", "Basic x", ""])
async def test_a_wrong_key_is_unauthorized(client: httpx.AsyncClient, authorization: str) -> None:
    answer = await client.get("/v3/user/credits", headers={"authorization": authorization})

    assert answer.status_code == 401
    assert answer.json() == {"errors": [{"field": None, "message": "authorization required"}]}


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v3/user/credits", "user.credits.read"),
        ("GET", "/v3/subusers", "subusers.read"),
        ("GET", "/v3/subusers/rec/credits", "subusers.credits.read"),
        ("PATCH", "/v3/subusers/rec/credits/remaining", "subusers.credits.remaining.update"),
    ],
)
async def test_each_endpoint_needs_its_own_scope_and_no_other(
    sendgrid: SendGridSandbox, client: httpx.AsyncClient, method: str, path: str, scope: str
) -> None:
    body = {"allocation_update": 1} if method == "PATCH" else None

    sendgrid.scopes = SCOPES - {scope}
    refused = await client.request(method, path, json=body)
    sendgrid.scopes = {scope}
    allowed = await client.request(method, path, json=body)

    assert (refused.status_code, refused.json()) == (403, FORBIDDEN)
    assert allowed.status_code == 200


async def test_a_key_without_scopes_can_still_list_them(
    sendgrid: SendGridSandbox, client: httpx.AsyncClient
) -> None:
    assert (await client.get("/v3/scopes")).json() == {"scopes": sorted(SCOPES)}
    sendgrid.scopes = set()
    assert (await client.get("/v3/scopes")).json() == {"scopes": []}


async def test_a_subuser_has_no_subusers_to_act_on(
    sendgrid: SendGridSandbox, client: httpx.AsyncClient
) -> None:
    client.headers["on-behalf-of"] = "rec"

    answer = await update(client, "rec", 1)

    assert (answer.status_code, answer.json()) == (403, FORBIDDEN)
    assert sendgrid.account.ledger == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v3/subusers//credits"),
        ("GET", "/v3/subusers/a/b/credits"),
        ("POST", "/v3/subusers/rec/credits/remaining"),
        ("PUT", "/v3/subusers/rec/credits"),
    ],
)
async def test_anything_else_is_not_found(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path)

    assert answer.status_code == 404
    assert answer.json() == {"errors": [{"field": None, "message": "not found"}]}


async def test_the_list_pages_by_limit_and_offset(client: httpx.AsyncClient) -> None:
    async def page(**query: int) -> list[str]:
        return [entry["username"] for entry in (await client.get("/v3/subusers", params=query)).json()]

    assert await page() == ["rec", "once", "free"]
    assert await page(limit=2) == ["rec", "once"]
    assert await page(limit=2, offset=2) == ["free"]
    assert await page(limit=2, offset=4) == []


async def test_the_list_has_a_default_page_size(sendgrid: SendGridSandbox, client: httpx.AsyncClient) -> None:
    for number in range(200):
        sendgrid.account.add_subuser(Subuser(f"many{number}"))

    assert len((await client.get("/v3/subusers")).json()) == 100


async def test_the_filter_of_the_list_matches_parts_of_names(
    sendgrid: SendGridSandbox, client: httpx.AsyncClient
) -> None:
    sendgrid.account.add_subuser(Subuser("once@example.com"))

    found = (await client.get("/v3/subusers", params={"username": "once"})).json()

    assert [entry["username"] for entry in found] == ["once", "once@example.com"]


async def test_the_list_shows_regions_only_when_asked(
    sendgrid: SendGridSandbox, client: httpx.AsyncClient
) -> None:
    subuser = Subuser("berlin", region="eu", email="b@example.com", id=77, disabled=True)
    sendgrid.account.add_subuser(subuser)
    plain = {"disabled": True, "id": 77, "username": "berlin", "email": "b@example.com"}

    eu = await client.get("/v3/subusers", params={"region": "eu"})
    eu_with_region = await client.get("/v3/subusers", params={"region": "eu", "include_region": "true"})
    others = await client.get("/v3/subusers", params={"region": "global"})

    assert eu.json() == [plain]
    assert eu_with_region.json() == [{**plain, "region": "eu"}]
    assert len(others.json()) == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [("limit", "0"), ("limit", "x"), ("limit", "9" * 5000), ("offset", "-1"), ("region", "us")],
)
async def test_bad_queries_name_their_field(client: httpx.AsyncClient, name: str, value: str) -> None:
    answer = await client.get("/v3/subusers", params={name: value})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == name


async def test_each_host_answers_for_the_subusers_of_its_region() -> None:
    account = Account()
    account.add_subuser(Subuser("berlin", type="nonrecurring", region="eu"))
    account.add_subuser(Subuser("boston", type="nonrecurring"))
    async with (
        SendGridSandbox(account=account) as world,
        SendGridSandbox(account=account, region="eu") as europe,
        client_of(world) as world_client,
        client_of(europe) as europe_client,
    ):
        for wrong, right, username in [
            (world_client, europe_client, "berlin"),
            (europe_client, world_client, "boston"),
        ]:
            assert (await update(wrong, username, 5)).json() == NO_USER_FOUND
            assert (await update(right, username, 7)).json()["remain"] == 7
            behalf = {"on-behalf-of": username}
            assert (await wrong.get("/v3/user/credits", headers=behalf)).json() == NO_USER_FOUND
            assert (await right.get("/v3/user/credits", headers=behalf)).json()["remain"] == 7

    assert (account.applied("berlin"), account.applied("boston")) == ([7], [7])
    assert len(world.calls) == len(europe.calls) == 4


async def test_rate_limit_headers_are_on_answers_good_and_bad(client: httpx.AsyncClient) -> None:
    good = await client.get("/v3/user/credits")
    bad = await client.get("/v3/nowhere")

    for answer, remaining in [(good, "599"), (bad, "598")]:
        assert answer.headers["X-RateLimit-Limit"] == "600"
        assert answer.headers["X-RateLimit-Remaining"] == remaining
        assert answer.headers["X-RateLimit-Reset"] == str(int(NOON_OF_2013_01_01) + 60)
