"""A bare Bolt app to measure the bot against: what anyone would write for these commands, and no more.

It has the same server, event loop and transport as the bot, and acks as soon as it can. It asks SendGrid for
both parts of a balance at once, and answers once.
"""

import asyncio
import os
from collections.abc import Mapping
from typing import Any

import aiohttp
import httpx
import uvicorn
from httpx_aiohttp import AiohttpTransport
from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

HELP = "Type `/credits balance SUBUSER`, or `/credits add SUBUSER AMOUNT REASON`."


def build(settings: Mapping[str, str], sendgrid: httpx.AsyncClient) -> AsyncApp:
    app = AsyncApp(
        client=AsyncWebClient(token=settings["SLACK_BOT_TOKEN"], base_url=settings["SLACK_API_URL"]),
        signing_secret=settings["SLACK_SIGNING_SECRET"],
        # Otherwise Bolt looks every 10 ms whether there is an ack.
        process_before_response=True,
    )
    answering: set[asyncio.Task[None]] = set()

    async def answer(name: str, respond: AsyncRespond) -> None:
        balance, credits_ = await asyncio.gather(
            sendgrid.get("/v3/user/credits", headers={"on-behalf-of": name}),
            sendgrid.get(f"/v3/subusers/{name}/credits"),
        )
        left, kind = balance.json()["remain"], credits_.json()["type"]
        await respond(text=f"*{name}* has {left:,} credits ({kind}).", response_type="ephemeral")

    async def credits_command(ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        match body["text"].split():
            case ["balance", name]:
                await ack()
                task = asyncio.create_task(answer(name, respond))
                answering.add(task)
                task.add_done_callback(answering.discard)
            case ["add", name, amount, *_]:
                await ack(f"Request 1: +{amount} credits for {name}.")
            case _:
                await ack(HELP)

    app.command("/credits")(credits_command)
    return app


async def main() -> None:
    settings = os.environ
    transport = AiohttpTransport(client=aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=200)))
    sendgrid = httpx.AsyncClient(
        base_url=settings["SENDGRID_API_URL"],
        transport=transport,
        headers={"authorization": f"Bearer {settings['SENDGRID_API_KEY']}"},
        timeout=10,
        trust_env=False,
    )
    async with sendgrid:
        config = uvicorn.Config(
            AsyncSlackRequestHandler(build(settings, sendgrid)),
            host="127.0.0.1",
            port=int(settings["PORT"]),
            http="httptools",
            lifespan="off",
            ws="none",
            access_log=False,
            log_level="warning",
        )
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
