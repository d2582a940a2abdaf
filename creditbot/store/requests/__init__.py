"""The table of requests, a module for each reason to touch it.

`rows` makes values of its rows, `reading` finds them, `creating` adds one. Only `states` changes a status;
`amending` and `waiting` change the rest. `caps` adds up, `upgrading` finds what is to be brought up to date.
"""

from .amending import add_approval, amend, touch, withdraw_approval
from .caps import plausible, usage
from .creating import create, new_token, origin_of
from .reading import by_origin, decided_together, get, outline, under_way
from .rows import ALL, load, load_readable
from .states import end, release, transition
from .upgrading import not_following, to_follow, without_token
from .waiting import (
    is_tried_again,
    look_again,
    may_be_tried,
    postpone,
    remind_no_more,
    reminded,
    tries,
)

__all__ = [
    "ALL",
    "add_approval",
    "amend",
    "by_origin",
    "create",
    "decided_together",
    "end",
    "get",
    "is_tried_again",
    "load",
    "load_readable",
    "look_again",
    "may_be_tried",
    "new_token",
    "not_following",
    "origin_of",
    "outline",
    "plausible",
    "postpone",
    "release",
    "remind_no_more",
    "reminded",
    "to_follow",
    "touch",
    "transition",
    "tries",
    "under_way",
    "usage",
    "withdraw_approval",
    "without_token",
]
