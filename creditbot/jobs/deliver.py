"""Delivering whatever is to be shown in Slack: one row of the outbox at a time, of any kind."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from creditbot.domain.place import Place
from creditbot.store import outbox, paces
from creditbot.store.database import Database
from creditbot.store.outbox import DELIVER, Outgoing
from creditbot.store.paces import Line

from .job import Job
from .messenger import LEASE, DeliveryProblem, Drawing, Fault, Messenger
from .outgoing import Failure, Found, Kind, Kinds, Undeliverable
from .rates import InFlight, Limit, Rates, has_turn
from .retries import next_try

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Going:
    """A message that may be sent now. `lease` is until when it is ours, if it has to be."""

    lease: datetime | None


@dataclass(frozen=True, slots=True)
class Message:
    """A row with what is to be known of it, whatever it shows; `line` is who waits for the same limit."""

    row: Outgoing
    kind: Kind[Any]
    limit: Limit
    line: Line | None


class Deliver:
    """Posts a message, or changes it, to what it should show now, and writes down that it did.

    What can't be shown is tried ever more seldom, by what is wrong, and comes to an end; its kind says when,
    and who is told then. What would be too fast for Slack is left until its turn.
    """

    def __init__(
        self,
        database: Database,
        messenger: Messenger,
        kinds: Kinds,
        rates: Rates,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._messenger = messenger
        self._kinds = kinds
        self._rates = rates
        self._clock = clock
        self._in_flight = InFlight()

    async def __call__(self, row_id: int) -> None:
        now = self._clock()
        found: Found[Any] | None = None
        trouble: DeliveryProblem | Undeliverable | None = None
        async with self._database.read() as connection:
            row = await outbox.get(connection, row_id, now)
            if row is None or not row.is_behind or not row.may_be_tried(now):
                return
            limit = self._rates.limit_of(row)
            message = Message(row, self._kinds.of(row), limit, await paces.look(connection, limit.name))
            try:
                found = await message.kind.look(connection, row, now)
            except (DeliveryProblem, Undeliverable) as error:
                trouble = error
        if isinstance(trouble, Undeliverable):
            await self._end(row, str(trouble), now)
        elif trouble is not None:
            await self._failed(message, None, trouble)
        elif found is not None:
            await self._show(message, found)

    async def _end(self, row: Outgoing, why: str, now: datetime) -> None:
        log.error("A message can't be shown", kind=row.kind, recipient=row.recipient, error=why)
        async with self._database.aside() as transaction:
            await outbox.give_up(transaction, row, now, why)

    async def _show(self, message: Message, found: Found[Any]) -> None:
        now, row = self._clock(), message.row
        if found.drawing is None:
            async with self._database.aside() as transaction:
                await outbox.shown(transaction, row, found.version, now)
        elif found.not_before is not None and found.not_before > now:
            async with self._database.aside() as transaction:
                await outbox.put_off(transaction, row, found.not_before)
        elif (going := await self._going(message, now)) is not None:
            try:
                place = await self._send(row, found.drawing)
            except DeliveryProblem as problem:
                await self._failed(message, found, problem, going)
            else:
                await self._record(message, found, place, going)

    async def _going(self, message: Message, now: datetime) -> Going | None:
        """Take it, and a place in the line; None if another process has it, or its turn is yet to come.

        To change a message twice does no harm, so that needs no lease, and no transaction, while nobody waits
        in the line. Those that do come at the same moment in all processes, and one of these takes it.
        """
        row, limit, line = message.row, message.limit, message.line
        its_turn = has_turn(row, line, now)
        is_change = row.place is not None and row.moved_at is None
        if is_change and not its_turn and self._in_flight.takes(limit, line, now):
            return Going(None)
        lease = now + LEASE
        async with self._database.aside() as transaction:
            if not await outbox.lease(transaction, row, now, lease):
                return None
            if not its_turn:
                calls = 1 + self._in_flight.to_note(limit)
                turn = await paces.take(transaction, limit.name, limit.pace, now, calls)
                at = max(turn.at, self._in_flight.free_at(limit, now))
                if at > now:
                    await outbox.put_off(transaction, row, at, turn=at if turn.kept else None)
                    return None
        return Going(lease)

    async def _send(self, row: Outgoing, drawing: Drawing) -> Place:
        try:
            if row.place is None:
                return await self._messenger.post(row.recipient, drawing)
            await self._messenger.change(row.place, drawing)
        except DeliveryProblem:
            raise
        except Exception as error:
            log.exception("A message could not be drawn or sent", kind=row.kind, id=row.id)
            raise DeliveryProblem(f"{type(error).__name__}: {error}", fault=Fault.OURS) from error
        return row.place

    async def _record(self, message: Message, found: Found[Any], place: Place, going: Going) -> None:
        now, limit = self._clock(), message.limit
        async with self._database.aside() as transaction:
            recorded = await message.kind.record(
                transaction, message.row, found, place, lease=going.lease, at=now
            )
            if calls := self._in_flight.to_note(limit):
                await paces.take(transaction, limit.name, limit.pace, now, calls)
        if not recorded:
            async with self._database.write() as transaction:
                await message.kind.shown_twice(transaction, message.row, place, now)

    async def _failed(
        self,
        message: Message,
        found: Found[Any] | None,
        problem: DeliveryProblem,
        going: Going | None = None,
    ) -> None:
        """Try it later, or give it up; and leave Slack alone for as long as it has asked for."""
        now, row, kind, limit = self._clock(), message.row, message.kind, message.limit
        failure = Failure(row, found, problem, now)
        over = kind.is_over(failure)
        kind.log(failure, over=over)
        async with self._database.write() as transaction:
            if await kind.failed(transaction, failure, over=over):
                pass
            elif over:
                if await outbox.give_up(transaction, row, now, problem.detail):
                    await kind.given_up(transaction, failure)
            else:
                later = next_try(problem, row.tries, row.id, now)
                not_done = problem.not_done and going is not None
                await outbox.failed(transaction, row, now, later, problem.detail, not_done=not_done)
        if problem.wait is not None:
            until = now + timedelta(seconds=problem.wait)
            async with self._database.aside() as transaction:
                await paces.pause(transaction, limit.name, limit.pace, until)


JOB = Job(
    DELIVER,
    lambda parts: Deliver(parts.database, parts.messenger, parts.kinds, parts.rates, parts.clock).__call__,
    mends=True,
)
