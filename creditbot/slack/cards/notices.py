"""What people are told of a request by direct message, and what stands where its card was."""

from creditbot.domain.markup import literal, person
from creditbot.domain.place import Place
from creditbot.domain.reminders import ESCALATED, NO_CARD, OLD_CARD, REMINDER, UNTOLD
from creditbot.domain.requests import CreditRequest, Status
from creditbot.slack.message import Block, Message, linked, moment, section, sentence, typed

from .standing import approved, standing
from .states import sign_of_news

CHANNELS = "the approvals channel, or the one that the policy names for this subuser"


def notice(
    kind: str,
    request: CreditRequest,
    *,
    figures: bool = True,
    place: Place | None = None,
    link: str | None = None,
) -> Message:
    """What a person is told by direct message when a request has come to `kind`; `figures`: with balances.

    The request may have moved on since, so the words come from `kind`, the figures from the request. `place`
    is where its card is, `link` the card's address.
    """
    about = f"{sign_of_news(kind)} {linked(f'Request {request.id}', link)}, {request.change.words()}: "
    text = about + _news(kind, request, figures=figures, card=_card_at(place, link))
    blocks: list[Block] = [section(text)]
    reason = _reason_of(kind, request)
    if reason:
        text += f" Reason: {literal(reason)}"
        blocks.append(typed(f"Reason: {reason}"))
    return Message(text, blocks)


def moved(request: CreditRequest, place: Place, link: str | None) -> Message:
    """What becomes of a request's card once there is another one of it elsewhere."""
    return sentence(
        f"Request {request.id}, {request.change.words()}, now "
        f"has {linked('its card', link)} in <#{place.channel}>."
    )


def _reason_of(kind: str, request: CreditRequest) -> str | None:
    """What a person gave as the reason for bringing a request to `kind`."""
    if kind == "break_glass":
        return request.break_glass_reason
    if kind in {Status.DENIED, Status.CANCELLED}:
        return request.decision_reason
    return request.settled_reason if kind in {Status.APPLIED, Status.FAILED} else None


def _card_at(place: Place | None, link: str | None) -> str:
    """The words for where a request's card is."""
    where = CHANNELS if place is None else f"<#{place.channel}>"
    return f"{linked('its card', link)} in {where}"


def _news(kind: str, request: CreditRequest, *, figures: bool, card: str) -> str:  # noqa: C901 - one case for each kind
    match kind:
        case Status.APPROVED if request.waits_for:
            return (
                f"{approved(request)} It waits for request {request.waits_for}, which changes the same "
                "subuser, to end. You will be told what happens next."
            )
        case Status.APPROVED:
            return f"{approved(request)} It is about to be sent to SendGrid. You will be told the outcome."
        case "held":
            return (
                "*Not sent yet.* The policy changed after this was approved, and creditbot can't read the "
                "members of one of its user groups in Slack, so it can't tell whether the approvals still "
                "count. The card has the details. You will be told what happens next."
            )
        case Status.IN_DOUBT:
            return (
                "*In doubt.* It is not known yet whether SendGrid applied the change. It will not be sent "
                "again. You will be told the outcome."
            )
        case "break_glass":
            return (
                f"*Approved in an emergency* by {person(request.requested_by)}, who also requested it. "
                "Nobody else approved it. The policy allows this, and the ledger records it."
            )
        case "not_proven":
            return (
                "*Your decision is needed.* The balance does not prove whether the change was applied. "
                "Until this is settled, no other change of this subuser is sent. Look at the subuser in "
                f"SendGrid, then press _It was applied_ or _It was not applied_ on {card}."
            )
        case "contradicted":
            return f"*Look again.* {request.explanation or ''} {standing(request, figures=figures)}"
        case _ if kind.startswith(REMINDER):
            return f"*Still waiting for your decision.* {_asks_for(request, card)}"
        case _ if kind == ESCALATED:
            return f"*Nobody has decided this yet, so now you may.* {_asks_for(request, card)}"
        case _ if kind == NO_CARD:
            return (
                f"*No approver has seen this yet*: creditbot can't post {card}. Tell whoever runs "
                "creditbot. creditbot keeps trying until the request ends."
            )
        case _ if kind == OLD_CARD:
            return (
                f"*The card may be out of date*: creditbot can't update {card}. Tell whoever runs "
                f"creditbot. `/credits show {request.id}` shows where the request stands."
            )
        case _ if kind.startswith(UNTOLD):
            whom = person(kind.removeprefix(UNTOLD))
            return (
                f"creditbot can't send {whom} a direct message about this. "
                f"{standing(request, figures=figures)}"
            )
    return standing(request, figures=figures)


def _asks_for(request: CreditRequest, card: str) -> str:
    """What someone is told who is to decide."""
    return (
        f"{person(request.requested_by)} requested it on {moment(request.requested_at)}. It can be decided "
        f"until {moment(request.expires_at)}. Press _Approve_ or _Deny_ on {card}."
    )
