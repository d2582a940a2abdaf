"""The modals: asking for a change, saying why a request is denied, settling a doubt."""

from creditbot.domain import amounts
from creditbot.domain.commands import OpenForm
from creditbot.domain.errors import CommandError
from creditbot.domain.fields import MAX_NAME, MAX_REASON
from creditbot.domain.markup import without_markup
from creditbot.domain.questions import Question
from creditbot.domain.requests import CreditRequest
from creditbot.domain.shown import Shown

from .message import Message, View, choice, modal, section, text_input, typed

ASK, DENY, SETTLE, BREAK_GLASS = "ask", "deny", "settle", "break_glass"
ASK_ANYWAY = "ask_anyway"
DIRECTION, SUBUSER, AMOUNT, REASON = "direction", "subuser", "amount", "reason"

DIRECTIONS = (("add", "Add credits"), ("remove", "Remove credits"))

LONGEST_AMOUNT = amounts.LONGEST


def ask(given: OpenForm, private_metadata: str) -> View:
    """The form for a request, with what was given filled in; block and action IDs are the fields' names."""
    return modal(
        ASK,
        "Change credits",
        [
            choice(
                DIRECTION, "Change", DIRECTIONS, chosen="remove" if given.direction == "remove" else "add"
            ),
            text_input(
                SUBUSER,
                "Subuser",
                hint="The username, as SendGrid spells it",
                value=given.subuser,
                longest=MAX_NAME,
                example="acme",
            ),
            text_input(
                AMOUNT,
                "Amount",
                hint=_about_amount(given.amount),
                value=given.amount,
                longest=LONGEST_AMOUNT,
                example="5000",
            ),
            text_input(
                REASON,
                "Reason",
                hint="Approvers will read this",
                value=given.reason,
                longest=MAX_REASON,
                example="Black Friday",
                multiline=True,
            ),
        ],
        submit="Ask for approval",
        close="Close",
        private_metadata=private_metadata,
    )


def deny(request: CreditRequest, card: Shown) -> View:
    """Asks an approver why; `private_metadata` is what the card's buttons carry."""
    return _why(request, DENY, str(card), title="Deny request", submit="Deny", label="Why do you deny it?")


def settle(request: CreditRequest, card: Shown, *, applied: bool) -> View:
    """Asks how the person knows; `private_metadata` is what the card's buttons carry, and the word."""
    word = "applied" if applied else "not_applied"
    return _why(
        request,
        SETTLE,
        f"{card} {word}",
        title="It was applied" if applied else "It was not applied",
        submit="Settle",
        label="How do you know?",
    )


def break_glass(request: CreditRequest, card: Shown) -> View:
    """Asks why someone approves their own request; `private_metadata` is what the card's buttons carry."""
    return _why(
        request,
        BREAK_GLASS,
        str(card),
        title="Emergency approval",
        submit="Approve",
        label="What is the emergency?",
        hint="This is announced in the channel and kept in the ledger",
    )


def ask_anyway(question: Question, text: str, private_metadata: str) -> View:
    """What the form for a request turns into if the same was asked for before; `text` says so.

    The reason can be changed, since it may be what tells the two apart.
    """
    return modal(
        ASK_ANYWAY,
        "Ask once more?",
        [
            section(text),
            text_input(
                REASON,
                "Reason",
                hint="Approvers will read this",
                value=question.command.reason,
                longest=MAX_REASON,
                multiline=True,
            ),
        ],
        submit="Ask anyway",
        close="Close",
        private_metadata=private_metadata,
    )


def done(title: str, message: Message) -> View:
    """What a form turns into once it was taken."""
    return modal("done", title, message.plainer or message.blocks, close="Close")


def _why(
    request: CreditRequest,
    callback_id: str,
    private_metadata: str,
    *,
    title: str,
    submit: str,
    label: str,
    hint: str = "The requester will read this, and the ledger keeps it",
) -> View:
    about = f"Request {request.id}: {request.change}."
    return modal(
        callback_id,
        title,
        [typed(about), text_input(REASON, label, hint=hint, longest=MAX_REASON, multiline=True)],
        submit=submit,
        close="Back",
        private_metadata=private_metadata,
    )


def _about_amount(given: str) -> str:
    """What stands below the field: what to type, or what is to be asked about the amount filled in."""
    try:
        if given:
            amounts.amount(given, in_form=True)
    except CommandError as error:
        return without_markup(error.sentence)
    return "A whole number of credits: 5000, 5,000, 5k or 1.5m"
