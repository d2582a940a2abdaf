"""What is on a request's card: in full while it waits for someone, in two or three lines once it does not."""

from collections.abc import Callable
from datetime import datetime

from creditbot.domain.markup import literal, person
from creditbot.domain.place import Place
from creditbot.domain.policy import Policy
from creditbot.domain.relations import RelationKind
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.shown import shown
from creditbot.domain.text import signed
from creditbot.domain.who import Roster
from creditbot.slack.message import (
    Block,
    Message,
    context,
    facts,
    header,
    linked,
    moment,
    section,
    typed,
)

from .buttons import buttons_of
from .figures import balances, either_way, reset_warning
from .folded import folded, is_folded
from .standing import approved, standing, waiting
from .states import title, title_in_words

COPY_ABOVE = "There may be an earlier copy of this card above. A click on either one brings it up to date."


NEIGHBOURS = {
    Status.PENDING: "waiting for approval",
    Status.APPROVED: "approved",
    Status.APPLYING: "being applied",
    Status.IN_DOUBT: "in doubt",
    Status.APPLIED: "applied",
}

Links = Callable[[Place | None], str | None]


def nowhere(_: Place | None) -> str | None:
    """No links."""
    return None


def request_card(
    request: CreditRequest,
    policy: Policy,
    roster: Roster,
    now: datetime,
    *,
    copy_above: bool = False,
    links: Links = nowhere,
) -> Message:
    """The card, in whatever state the request is; `copy_above` says that it may not be the only one."""
    quorum = policy.quorum(request, roster, now)
    where = waiting(request, policy, quorum) if request.status is Status.PENDING else standing(request)
    notes = [
        *beside(request, links),
        *follows(request),
        *_rule(request, policy),
        *([COPY_ABOVE] if copy_above else []),
    ]
    text = (
        f"{title_in_words(request)}. Request {request.id}, requested by {person(request.requested_by)}. "
        f"Reason: {literal(request.reason)}. {where}"
    )
    value = str(shown(request, policy, now))
    buttons = buttons_of(request, quorum, value)
    if is_folded(request):
        blocks = [*folded(request, value, *([COPY_ABOVE] if copy_above else [])), *buttons]
    else:
        blocks = [*_in_full(request, where), *buttons, context(*_foot(request), *notes)]
    return Message(" ".join([text, *notes]), blocks)


def _in_full(request: CreditRequest, where: str) -> list[Block]:
    """What someone has to decide by, or to look at."""
    blocks: list[Block] = [
        header(title(request)),
        facts(
            [
                ("Subuser", literal(request.subuser)),
                ("Change", signed(request.allocation_update)),
                *balances(request),
                ("Requested by", person(request.requested_by)),
            ]
        ),
        typed(f"Reason: {request.reason}"),
        *(either_way(request) or [section(where)]),
    ]
    if request.break_glass_reason:
        blocks.append(typed(f"Emergency: {request.break_glass_reason}"))
    if request.settled_reason:
        blocks.append(typed(f"Settled because: {request.settled_reason}"))
    lasting = reset_warning(request)
    if lasting:
        blocks.append(context(lasting))
    return blocks


def _foot(request: CreditRequest) -> list[str]:
    """Which request it is, and who has approved it where no sentence above says so."""
    foot = [f"Request {request.id}, requested on {moment(request.requested_at)}"]
    return [*foot, approved(request)] if either_way(request) else foot


def beside(request: CreditRequest, links: Links = nowhere) -> list[str]:
    """The sentence that names other requests of its subuser, if there are any that could be the same wish."""
    if not request.beside:
        return []
    named = "; ".join(
        f"{linked(f'request {other.id}', links(other.card))} ({signed(other.allocation_update)} by "
        f"{person(other.requested_by)}, {NEIGHBOURS[other.status]})"
        for other in request.beside
    )
    return [f"Open or recently applied for {literal(request.subuser)}: {named}."]


def follows(request: CreditRequest) -> list[str]:
    """The sentence that names the failed request which this one follows, if it follows one."""
    failed = request.follows(RelationKind.AGAIN)
    return [] if failed is None else [f"Requested again after request {failed} failed."]


def _rule(request: CreditRequest, policy: Policy) -> list[str]:
    """The tiers by whose rules it is decided, while it is, if they have names."""
    tiers = policy.tiers_of(request.changes) if request.status is Status.PENDING else ()
    return [f"Tier {literal(tier.name)}: {tier.words()}." for tier in tiers if tier.name]
