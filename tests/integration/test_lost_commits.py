"""A commit whose connection is lost: what is not known is said so, and what is known is not forgotten."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain.errors import MaybeTaken, NotTaken
from creditbot.domain.requests import Status
from creditbot.runners.procrastinate import ProcrastinateQueue
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.store import attempts, lists, tables
from creditbot.store.work import WakeUp

from .adapters import ANN, Bot, Clock, ids, patches
from .conftest import on_postgres
from .proxy import Cut, Proxy

pytestmark = pytest.mark.people_wait

either_way = pytest.mark.parametrize("moment", ["before", "after"])


@pytest.fixture
async def proxy(url: str) -> AsyncIterator[Proxy]:
    async with Proxy(url) as proxy:
        yield proxy


@pytest.fixture
async def wired(proxy: Proxy, sandbox: SendGridSandbox, clock: Clock) -> AsyncIterator[Bot]:
    """A bot whose connections go through the proxy."""
    bot = Bot(proxy.url, sandbox, clock)
    yield bot
    await bot.assert_sound()
    await bot.close()


@dataclass
class RightBeforeTheCommit:
    """Does something once, in the first transaction that `now` says yes to, with the commit to come."""

    now: Callable[[AsyncConnection], Awaitable[bool]]
    do: Callable[[], object]
    done: bool = False

    async def defer(self, connection: AsyncConnection, wake_ups: object) -> None:  # noqa: ARG002 - fixed
        if not self.done and await self.now(connection):
            self.done = True
            self.do()

    def committed(self, wake_ups: object) -> None:
        pass


def attempt_is(outcome: str | None) -> Callable[[AsyncConnection], Awaitable[bool]]:
    """The transaction writes an attempt of the first request down, or its outcome."""

    async def check(connection: AsyncConnection) -> bool:
        attempt = await attempts.last(connection, 1)
        return attempt is not None and attempt.outcome == outcome

    return check


async def go_on(bot: Bot) -> None:
    """What the runner does from here on, until the request has ended or is in doubt."""
    for _ in range(20):
        await bot.work("apply")
        bot.clock.advance(seconds=30)


@on_postgres
@either_way
async def test_a_request_whose_commit_was_lost_is_neither_claimed_nor_denied(
    wired: Bot, proxy: Proxy, moment: Cut
) -> None:
    await wired.ask(subuser="other")
    proxy.cut_next_commit(moment)

    with pytest.raises(MaybeTaken):
        await wired.ask(origin="trigger-lost")

    assert proxy.cuts == 1
    async with wired.database.read() as connection:
        query = select(tables.requests.c.subuser).order_by(tables.requests.c.id)
        written = list((await connection.execute(query)).scalars())
    assert written == (["other"] if moment == "before" else ["other", "acme"])
    again = await wired.ask(origin="trigger-lost")
    async with wired.database.read() as connection:
        assert (await lists.page(connection, 1000))[1:] == [again]
    assert await wired.kinds(again.id) == ["requested"]


@on_postgres
@either_way
async def test_a_decision_whose_commit_was_lost_can_be_made_again(
    wired: Bot, proxy: Proxy, moment: Cut
) -> None:
    request = await wired.checked()
    proxy.cut_next_commit(moment)

    with pytest.raises(MaybeTaken):
        await wired.decisions.approve(request.id, ANN)

    status = await wired.status(request.id)
    assert status is (Status.PENDING if moment == "before" else Status.APPROVED)
    if moment == "before":
        assert (await wired.decisions.approve(request.id, ANN)).status is Status.APPROVED


@on_postgres
async def test_connections_that_were_cut_while_idle_are_found_out_before_they_are_used(
    wired: Bot, proxy: Proxy
) -> None:
    request = await wired.checked()

    for _ in range(3):
        proxy.cut_all()
        await asyncio.sleep(0.05)
        assert await wired.request(request.id) == request
        proxy.cut_all()
        await asyncio.sleep(0.05)
        await wired.ask(subuser="other")


@on_postgres
@pytest.mark.parametrize("queued", [False, True])
async def test_a_connection_that_is_cut_before_the_commit_takes_nothing(
    wired: Bot, proxy: Proxy, url: str, queued: bool
) -> None:
    queue = ProcrastinateQueue(url)

    class CutsFirst:
        """Cuts the connection before a job is put into the queue, or before the commit itself."""

        async def defer(self, connection: AsyncConnection, wake_ups: list[WakeUp]) -> None:
            proxy.cut_all()
            await asyncio.sleep(0.05)
            if queued:
                await queue.defer(connection, wake_ups)
            else:
                await lists.page(connection, 1000)

        def committed(self, wake_ups: object) -> None:
            pass

    wired.database.waker = CutsFirst()
    with pytest.raises(NotTaken):
        await wired.ask(origin="trigger-cut")

    async with wired.database.read() as connection:
        assert await lists.page(connection, 1000) == []


@on_postgres
@either_way
async def test_an_attempt_whose_commit_was_lost_is_not_sent_and_leaves_no_doubt(
    wired: Bot, proxy: Proxy, sandbox: SendGridSandbox, moment: Cut
) -> None:
    request = await wired.approved()
    wired.database.waker = RightBeforeTheCommit(attempt_is(None), lambda: proxy.cut_next_commit(moment))

    await wired.apply(request.id)

    assert proxy.cuts == 1
    assert patches(sandbox) == []
    assert await wired.status(request.id) is Status.APPLYING
    attempt = await wired.last_attempt(request.id)
    assert (attempt and attempt.outcome) == (None if moment == "before" else "not_sent")
    await go_on(wired)
    assert await wired.status(request.id) is Status.APPLIED
    assert len(patches(sandbox)) == 1
    assert "in_doubt" not in await wired.kinds(request.id)


@on_postgres
@either_way
async def test_a_known_outcome_whose_commit_was_lost_is_written_down_once(
    wired: Bot, proxy: Proxy, sandbox: SendGridSandbox, moment: Cut
) -> None:
    request = await wired.approved()
    wired.database.waker = RightBeforeTheCommit(attempt_is("applied"), lambda: proxy.cut_next_commit(moment))

    await wired.apply(request.id)
    await go_on(wired)

    assert proxy.cuts == 1
    assert await wired.status(request.id) is Status.APPLIED
    assert (await wired.kinds(request.id)).count("answer") == 1
    assert len(patches(sandbox)) == 1
    assert sandbox.account.applied("acme") == [250]


@on_postgres
@either_way
async def test_the_claim_of_a_request_whose_commit_was_lost_is_taken_up_again(
    wired: Bot, proxy: Proxy, sandbox: SendGridSandbox, moment: Cut
) -> None:
    request = await wired.approved()
    proxy.cut_next_commit(moment)

    with pytest.raises(Exception, match="connection"):
        await wired.apply(request.id)
    await go_on(wired)

    assert await wired.status(request.id) is Status.APPLIED
    assert len(patches(sandbox)) == 1


async def test_being_stopped_during_the_commit_of_an_attempt_leaves_no_doubt(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    request = await bot.approved()
    working = asyncio.ensure_future(bot.apply(request.id))
    loop = asyncio.get_running_loop()
    waker = RightBeforeTheCommit(attempt_is(None), lambda: loop.call_soon(working.cancel))
    bot.database.waker = waker

    with pytest.raises(asyncio.CancelledError):
        await working

    attempt = await bot.last_attempt(request.id)
    assert waker.done
    assert attempt is not None
    assert attempt.outcome == "not_sent"
    assert patches(sandbox) == []
    await go_on(bot)
    assert await bot.status(request.id) is Status.APPLIED
    assert len(patches(sandbox)) == 1
    assert "in_doubt" not in await bot.kinds(request.id)


async def test_being_stopped_during_the_commit_of_the_outcome_keeps_it(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    request = await bot.approved()
    working = asyncio.ensure_future(bot.apply(request.id))
    loop = asyncio.get_running_loop()
    bot.database.waker = RightBeforeTheCommit(attempt_is("applied"), lambda: loop.call_soon(working.cancel))

    with pytest.raises(asyncio.CancelledError):
        await working

    assert await bot.status(request.id) is Status.APPLIED
    assert (await bot.kinds(request.id)).count("answer") == 1
    assert ids(await bot.due(), "apply") == []


@on_postgres
@either_way
async def test_being_stopped_while_the_commit_of_an_attempt_is_lost_leaves_no_doubt(
    wired: Bot, proxy: Proxy, sandbox: SendGridSandbox, moment: Cut
) -> None:
    request = await wired.approved()
    working = asyncio.ensure_future(wired.apply(request.id))
    loop = asyncio.get_running_loop()

    def cut_and_stop() -> None:
        proxy.cut_next_commit(moment)
        loop.call_soon(working.cancel)

    wired.database.waker = RightBeforeTheCommit(attempt_is(None), cut_and_stop)
    await asyncio.gather(working, return_exceptions=True)

    assert proxy.cuts == 1
    assert patches(sandbox) == []
    attempt = await wired.last_attempt(request.id)
    assert (attempt and attempt.outcome) == (None if moment == "before" else "not_sent")
    await go_on(wired)
    assert await wired.status(request.id) is Status.APPLIED
    assert len(patches(sandbox)) == 1
    assert "in_doubt" not in await wired.kinds(request.id)
