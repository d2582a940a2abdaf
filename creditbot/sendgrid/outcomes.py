"""What an answer to the PATCH says: whether the change was applied."""

from collections.abc import Mapping

from creditbot.domain.credits import KINDS, Applied, InDoubt, NotSent, PatchOutcome, RateLimited, Refused

from .answers import rate_limit_wait, read_json, read_subuser_credits
from .problems import explain
from .scopes import SCOPE_UPDATE

KEPT_BODY = 4000
"""Characters of an answer that are kept in the record."""


def read_patch_answer(status: int, headers: Mapping[str, str], body: str, now: float) -> PatchOutcome:
    """What an answer to the PATCH says: only a readable 200 is success, only a 4xx a certain no."""
    kept = body[:KEPT_BODY]
    if status == 200:
        found = read_subuser_credits(read_json(body))
        if found.remain is not None or found.type in KINDS:
            return Applied(found, kept)
        return InDoubt("SendGrid answered 200, but its answer can't be read.", status, kept)
    if status == 429:
        return RateLimited(rate_limit_wait(headers, now), kept)
    if status == 407:
        return NotSent(explain(status, body, scope=SCOPE_UPDATE))
    if 400 <= status < 500 and status != 408:
        return Refused(status, explain(status, body, scope=SCOPE_UPDATE), kept)
    return InDoubt(
        f"SendGrid answered {status}, so it is not known whether the change was applied.", status, kept
    )
