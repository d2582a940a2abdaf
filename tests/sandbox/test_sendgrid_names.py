"""Names of subusers on the wire, byte for byte, which needs a client that normalises nothing."""

import asyncio
import json
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser

NAMES = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=40)


async def request(
    sendgrid: SendGridSandbox, method: str, target: str, *, body: bytes = b"", accept: str | None = "*/*"
) -> tuple[int, dict[str, object]]:
    """Sends one request with `target` as it is; returns the status and the JSON object of the answer."""
    host, _, port = sendgrid.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    headers = [
        f"{method} {target} HTTP/1.1",
        f"Host: {host}",
        f"Authorization: Bearer {sendgrid.api_key}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *([f"Accept: {accept}"] if accept else []),
    ]
    writer.write("\r\n".join(headers).encode() + b"\r\n\r\n" + body)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, content = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(content)


@given(NAMES)
@example("a/b")
@example("a?b=c")
@example("a#b")
@example("100%")
@example("a%2Fb")
@example("..")
@example(".")
@example("john@example.com")
@example("jürgen müller")
@example("日本")
@settings(deadline=None, max_examples=50)
async def test_any_printable_name_survives_the_path(name: str) -> None:
    async with SendGridSandbox() as sendgrid:
        sendgrid.account.add_subuser(Subuser(name, type="nonrecurring"))
        raw = f"/v3/subusers/{quote(name, safe='')}/credits"

        patched = await request(sendgrid, "PATCH", f"{raw}/remaining", body=b'{"allocation_update": 3}')
        read = await request(sendgrid, "GET", raw)

    assert patched == read
    assert (read[0], read[1]["remain"]) == (200, 3)
    assert sendgrid.account.applied(name) == [3]
    assert [call.username for call in sendgrid.calls] == [name, name]
    assert sendgrid.calls[1].path == raw


@pytest.mark.parametrize("raw", ["%2E%2E", "%2e%2e", ".."])
async def test_dots_are_a_name_however_they_are_written(raw: str) -> None:
    async with SendGridSandbox() as sendgrid:
        sendgrid.account.add_subuser(Subuser("..", type="nonrecurring", remain=1))

        status, _ = await request(sendgrid, "GET", f"/v3/subusers/{raw}/credits")

    assert status == 200


async def test_a_name_is_decoded_once() -> None:
    async with SendGridSandbox() as sendgrid:
        sendgrid.account.add_subuser(Subuser("a%2Fb", type="nonrecurring", remain=1))
        sendgrid.account.add_subuser(Subuser("a/b", type="nonrecurring", remain=2))

        _, escaped = await request(sendgrid, "GET", "/v3/subusers/a%252Fb/credits")
        _, plain = await request(sendgrid, "GET", "/v3/subusers/a%2Fb/credits")

    assert (escaped["remain"], plain["remain"]) == (1, 2)


async def test_a_request_without_an_accept_header_is_not_acceptable() -> None:
    async with SendGridSandbox() as sendgrid:
        status, body = await request(sendgrid, "GET", "/v3/user/credits", accept=None)

    assert status == 406
    assert "Accept" in str(body["errors"])
