"""The kinds of work on requests, and what is due of each."""

from typing import Any

from sqlalchemy import ColumnElement, Select, select

from creditbot.domain.requests import Status

from .readable import NOW, has_come
from .runs import may_begin
from .tables import IS_DECIDED, IS_PENDING, NEVER_REMINDED, TO_CHECK, TO_REMIND, is_in, requests
from .work import Queue, Work


def _waiting(
    part: ColumnElement[bool], condition: ColumnElement[bool], since: ColumnElement[Any]
) -> Select[Any]:
    """Of the part of the table that has an index, what meets a condition, and since when it waits."""
    query = select(requests.c.id).where(part, condition, may_begin(requests, NOW))
    return query.order_by(since, requests.c.id)


_NEXT_TRY, _REMIND = requests.c.next_try_at, requests.c.remind_at
_READY, _WAS_SHOWN = has_come(_NEXT_TRY, NOW), requests.c.checked_at.is_not(None)
_TO_APPLY, _IN_DOUBT = is_in({Status.APPROVED, Status.APPLYING}), is_in({Status.IN_DOUBT})

CHECK = Work("check", Queue.SENDGRID, (_waiting(TO_CHECK, _READY, _NEXT_TRY),))
APPLY = Work("apply", Queue.SENDGRID, (_waiting(IS_DECIDED, _READY & _TO_APPLY, _NEXT_TRY),))
SETTLE = Work(
    "settle",
    Queue.SENDGRID,
    (_waiting(IS_DECIDED, _READY & _NEXT_TRY.is_not(None) & _IN_DOUBT, _NEXT_TRY),),
)
EXPIRE = Work(
    "expire", Queue.UPKEEP, (_waiting(IS_PENDING, requests.c.expires_at <= NOW, requests.c.expires_at),)
)
REMIND = Work(
    "remind",
    Queue.UPKEEP,
    (
        _waiting(TO_REMIND, _WAS_SHOWN & (_REMIND <= NOW), _REMIND),
        _waiting(NEVER_REMINDED, _WAS_SHOWN, _REMIND),
    ),
)
