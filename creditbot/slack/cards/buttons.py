"""The buttons under a card, and what is asked before one counts."""

from creditbot.domain.policy import Quorum
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.text import count
from creditbot.slack.message import Block, Confirmation, actions, button, confirmation

APPROVE, DENY, CANCEL, WITHDRAW = "approve", "deny", "cancel", "withdraw"
SETTLE_APPLIED, SETTLE_NOT_APPLIED, CHECK_AGAIN = "settle_applied", "settle_not_applied", "check_again"
REQUEST_AGAIN = "request_again"


def buttons_of(request: CreditRequest, quorum: Quorum, value: str) -> list[Block]:
    """The row of buttons, if anything can be done; each carries `value`."""
    cancel = button("Cancel", CANCEL, value)
    if request.status is Status.PENDING:
        approve = button(
            "Approve", APPROVE, value, style="primary", confirm=_confirm_approval(request, quorum)
        )
        deny = button("Deny", DENY, value, style="danger")
        between = [button("Withdraw approval", WITHDRAW, value)] if request.approvals else []
        return [actions("decision", approve, deny, *between, cancel)]
    if request.status is Status.APPROVED:
        return [actions("decision", cancel)]
    if request.status is Status.IN_DOUBT:
        return [
            actions(
                "settlement",
                button("It was applied", SETTLE_APPLIED, value),
                button("It was not applied", SETTLE_NOT_APPLIED, value),
                button("Check again", CHECK_AGAIN, value),
            )
        ]
    if request.may_be_asked_again:
        return [
            actions("again", button("Request again", REQUEST_AGAIN, value, confirm=_confirm_again(request)))
        ]
    return []


def _confirm_approval(request: CreditRequest, quorum: Quorum) -> Confirmation:
    change = str(request.change)
    then = [f"{change} will be sent to SendGrid at once. This can't be undone."]
    if quorum.missing == 1 and quorum.lacks is not None:
        if_so = f"If you are one of those whom the card names, {change} will be sent to SendGrid at once"
        if_not = "Otherwise your approval counts, and one of them must approve, too."
        then = [f"{if_so}, which can't be undone. {if_not}", f"{if_so}. {if_not}"]
    if quorum.missing > 1:
        others = count(quorum.missing - 1, "more approver")
        have = "has" if quorum.missing == 2 else "have"
        then = [f"{change} will be sent to SendGrid once {others} {have} approved, too."]
    return confirmation("Approve this change?", *then, change, yes="Approve", no="Not yet")


def _confirm_again(request: CreditRequest) -> Confirmation:
    change = str(request.change)
    return confirmation(
        "Request this again?",
        f"This makes a new request: {change}, for the same reason. Someone else must approve it.",
        change,
        yes="Request again",
        no="Not now",
    )
