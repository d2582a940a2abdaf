"""The balances on a card: before, after, and in either case of a doubt."""

from creditbot.domain.change_rules import lasts_until_reset
from creditbot.domain.evidence import use_in_words
from creditbot.domain.markup import escape, literal
from creditbot.domain.requests import CreditRequest, Figure, Status
from creditbot.domain.text import number
from creditbot.slack.message import Block, context, day_or_moment, facts, moment, section


def _outdated(request: CreditRequest) -> bool:
    """Whether another change was applied since the balance was read on which the card's sum stands."""
    return request.status is Status.PENDING and request.overtaken_by is not None


def balances(request: CreditRequest) -> list[tuple[str, str]]:
    """The balance before, and what is known of the one after: each with the moment of which it is."""
    if _outdated(request):
        return [("Balance before", f"being read again, because request {request.overtaken_by} was applied")]
    before = ("Balance before", _figure(request.before))
    if request.after is not None:
        return [before, ("Latest balance", _figure(request.after))]
    if request.status is Status.PENDING and request.expected_after is not None:
        return [before, ("Expected after", f"{number(request.expected_after)}, based on that balance")]
    return [before]


def _figure(found: Figure | None) -> str:
    if found is None:
        return "not reported"
    return number(found.remain) + (f" on {moment(found.at)}" if found.at else "")


def either_way(request: CreditRequest) -> list[Block]:
    """A doubt in figures, if they can be told: what was used in either case, and what to do.

    Two columns of fields, which every client of Slack draws where they stand. Of a `table` block, Slack takes
    one a message, and puts it at the end; and a card that tells of a doubt must not be one that is refused.
    """
    if request.status is not Status.IN_DOUBT or request.before is None or request.used_since is None:
        return []
    cases = [
        ("If applied", request.before.remain + request.allocation_update),
        ("If not applied", request.before.remain),
    ]
    after = request.before.remain - request.used_since
    rows = [
        (case, f"Balance right after: {number(then)}\nUsed since: {number(then - after)}")
        for case, then in cases
    ]
    unknown = (
        "*It is not known whether SendGrid applied the change.* Mail sent in between could explain the "
        "latest balance in either case."
    )
    blocks: list[Block] = [section(unknown), facts(rows)]
    if request.used_before is not None and request.check is not None and request.before.at is not None:
        blocks.append(context(use_in_words(request.used_before, request.before.at - request.check.at)))
    then = (
        "*Look at the subuser in SendGrid, then press the button that says what you found.* This change is "
        f"not sent again, and until someone does, no other change of {literal(request.subuser)} is sent."
    )
    return [*blocks, section(then)]


def reset_warning(request: CreditRequest, *, figures: bool = True) -> str:
    """That a change of credits that recur does not last, and until when; `figures`: with the balance then."""
    check = request.check
    if check is None or not lasts_until_reset(check.type):
        return ""
    when = (
        f" on {day_or_moment(check.next_reset)}"
        if check.next_reset
        else ", on a date that SendGrid did not report"
    )
    to = f" to {number(check.total)}" if figures and check.total is not None else ""
    every = f" ({escape(check.reset_frequency)})" if check.reset_frequency else ""
    return (
        f"*Lasts only until the next reset*{when}: this subuser's credits recur{every}, and each reset sets "
        f"the balance{to} anew."
    )
