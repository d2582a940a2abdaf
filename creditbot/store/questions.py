"""What somebody asked for who had just asked for the same, until they say that they mean it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CompoundSelect, Select, bindparam, delete, insert, literal_column, select, union_all

from creditbot.domain.changes import Change
from creditbot.domain.commands import Ask
from creditbot.domain.questions import SAME_IN, SAME_WITHIN, TOKEN, WAITS, Question
from creditbot.domain.requests import OPEN, CreditRequest

from . import cards
from .connection import AsyncConnection
from .database import Transaction
from .requests import ALL, get, load_readable, new_token
from .tables import IS_OPEN, is_among_lately, is_in, questions, requests
from .types import Moment, StoredText

KEPT = WAITS + timedelta(hours=1)
"""As long as it can be answered, and as the answer may be delivered again."""

FORGOTTEN = 20
"""How many are forgotten with each that is asked."""


@dataclass(frozen=True, slots=True)
class Before:
    """What is there already of what somebody asks for, as far as it takes a closer look."""

    request: bool
    """This very delivery has made a request."""
    question: bool
    """It has led to a question."""
    same: bool
    """This person has asked for the very same within SAME_WITHIN."""


async def before(
    connection: AsyncConnection, origin: str, command: Ask, person: str, now: datetime
) -> Before:
    """Mostly there is nothing, which one statement tells."""
    given = {"the_origin": origin, **_the_very_same(command, person, now)}
    found = set((await connection.execute(_BEFORE, given)).scalars())
    return Before(*(what in found for what in _WHAT))


async def the_same(
    connection: AsyncConnection, command: Ask, person: str, now: datetime
) -> CreditRequest | None:
    """The newest request of this person for the very same, if they made one within SAME_WITHIN."""
    found = await load_readable(connection, _THE_SAME, _the_very_same(command, person, now))
    return found[0] if found else None


def _the_very_same(command: Ask, person: str, now: datetime) -> dict[str, object]:
    return {
        "person": person,
        "since": now - SAME_WITHIN,
        "key": command.change.key,
        "change": command.change.allocation_update,
    }


def _which_are_the_same() -> CompoundSelect[Any]:
    since = bindparam("since", type_=Moment())
    same = select(requests.c.id).where(
        requests.c.requested_by == bindparam("person"),
        requests.c.requested_at >= since,
        requests.c.allocation_update == bindparam("change"),
    )
    # What has ended since then is all that can have been asked for since then.
    ended = is_in(SAME_IN - OPEN), requests.c.finished_at >= since
    key = bindparam("key", type_=StoredText())
    return union_all(
        same.where(IS_OPEN, requests.c.subuser_key == key), same.where(*ended, is_among_lately(key))
    )


_SAME = _which_are_the_same()
_THE_SAME = ALL.where(requests.c.id.in_(_SAME)).order_by(requests.c.requested_at.desc()).limit(1)

_WHAT = REQUEST, QUESTION, THE_SAME = "request", "question", "same"
_BEFORE: CompoundSelect[Any] = union_all(
    select(literal_column(f"'{REQUEST}'")).where(requests.c.origin == bindparam("the_origin")),
    select(literal_column(f"'{QUESTION}'")).where(questions.c.origin == bindparam("the_origin")),
    select(literal_column(f"'{THE_SAME}'")).select_from(_SAME.subquery("same")),
)


async def put(
    transaction: Transaction, command: Ask, *, origin: str, person: str, same: CreditRequest, at: datetime
) -> Question:
    """Keep what was asked for, and forget what nobody can answer any more."""
    connection = transaction.connection
    old = select(questions.c.token).where(questions.c.at < at - KEPT).order_by(questions.c.at)
    await connection.execute(delete(questions).where(questions.c.token.in_(old.limit(FORGOTTEN))))
    token = new_token()
    await connection.execute(
        insert(questions).values(
            token=token,
            origin=origin,
            person=person,
            subuser=command.change.subuser,
            allocation_update=command.change.allocation_update,
            reason=command.reason,
            same_as=same.id,
            at=at,
        )
    )
    return Question(token, origin, person, command, at, same, await cards.place(connection, same.id))


async def by_origin(connection: AsyncConnection, origin: str) -> Question | None:
    """The question that this very delivery has led to before, if it has."""
    return await _one(connection, _BY_ORIGIN, {"the_origin": origin})


async def by_token(connection: AsyncConnection, token: str, person: str) -> Question | None:
    """The question that this person was asked and that carries this token."""
    if TOKEN.fullmatch(token) is None:
        return None
    return await _one(connection, _BY_TOKEN, {"the_token": token, "the_person": person})


_BY_ORIGIN = select(questions).where(questions.c.origin == bindparam("the_origin"))
_BY_TOKEN = select(questions).where(
    questions.c.token == bindparam("the_token"), questions.c.person == bindparam("the_person")
)


async def _one(
    connection: AsyncConnection, query: Select[Any], given: Mapping[str, object]
) -> Question | None:
    row = (await connection.execute(query, given)).mappings().first()
    if row is None:
        return None
    same = await get(connection, row["same_as"])
    if same is None:
        raise LookupError(f"request {row['same_as']}, which question {row['origin']} is about, is not there")
    command = Ask(Change(row["subuser"], row["allocation_update"]), row["reason"])
    card = await cards.place(connection, same.id)
    return Question(row["token"], row["origin"], row["person"], command, row["at"], same, card)
