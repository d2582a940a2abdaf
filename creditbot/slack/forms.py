"""The modals: asking for a change, saying why a request is denied, settling a doubt."""

from slack_sdk.models.blocks import (
    InputBlock,
    Option,
    PlainTextInputElement,
    PlainTextObject,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from creditbot.domain.commands import OpenForm
from creditbot.domain.fields import MAX_NAME, MAX_REASON
from creditbot.domain.requests import CreditRequest
from creditbot.domain.text import signed

from .message import Message, plain, typed

ASK, DENY, SETTLE, BREAK_GLASS = "ask", "deny", "settle", "break_glass"
DIRECTION, SUBUSER, AMOUNT, REASON = "direction", "subuser", "amount", "reason"

ADD = Option(value="add", text="Add credits")
REMOVE = Option(value="remove", text="Remove credits")


def ask(given: OpenForm, private_metadata: str) -> View:
    """The form for a request, with what was given filled in; block and action IDs are the fields' names."""
    direction = StaticSelectElement(
        action_id=DIRECTION,
        options=[ADD, REMOVE],
        initial_option=REMOVE if given.direction == "remove" else ADD,
    )
    return View(
        type="modal",
        callback_id=ASK,
        private_metadata=private_metadata,
        title=PlainTextObject(text="Change credits"),
        submit=PlainTextObject(text="Ask for approval"),
        close=PlainTextObject(text="Close"),
        blocks=[
            InputBlock(block_id=DIRECTION, label="Change", element=direction),
            InputBlock(
                block_id=SUBUSER,
                label="Subuser",
                hint="The username, as SendGrid spells it",
                element=_line(SUBUSER, given.subuser, MAX_NAME, "acme"),
            ),
            InputBlock(
                block_id=AMOUNT,
                label="Amount",
                hint="A whole number of credits: 5000, 5,000, 5k or 1.5m",
                element=_line(AMOUNT, given.amount, 40, "5000"),
            ),
            InputBlock(
                block_id=REASON,
                label="Reason",
                hint="Whoever approves will read it",
                element=_text(given.reason, "Black Friday"),
            ),
        ],
    )


def deny(request: CreditRequest) -> View:
    """Asks an approver why; `private_metadata` is the request's ID."""
    return _why(
        request, DENY, str(request.id), title="Deny request", submit="Deny", label="Why is it denied?"
    )


def settle(request: CreditRequest, *, applied: bool) -> View:
    """Asks how the person knows; `private_metadata` is the request's ID and the word."""
    word = "applied" if applied else "not_applied"
    return _why(
        request,
        SETTLE,
        f"{request.id} {word}",
        title="It was applied" if applied else "It was not applied",
        submit="Settle",
        label="How do you know?",
    )


def break_glass(request: CreditRequest) -> View:
    """Asks someone why they approve their own request; `private_metadata` is the request's ID."""
    return _why(
        request,
        BREAK_GLASS,
        str(request.id),
        title="Approve it yourself",
        submit="Approve",
        label="What is the emergency?",
        hint="It is announced in the channel and stays in the record",
    )


def done(title: str, message: Message) -> View:
    """What a form turns into once it was taken."""
    return View(
        type="modal",
        callback_id="done",
        title=PlainTextObject(text=title),
        close=PlainTextObject(text="Close"),
        blocks=list(message.blocks),
    )


def _why(
    request: CreditRequest,
    callback_id: str,
    private_metadata: str,
    *,
    title: str,
    submit: str,
    label: str,
    hint: str = "It goes into the record, and its requester will read it",
) -> View:
    about = f"Request {request.id}: {signed(request.allocation_update)} credits for {request.subuser}."
    return View(
        type="modal",
        callback_id=callback_id,
        private_metadata=private_metadata,
        title=PlainTextObject(text=title),
        submit=PlainTextObject(text=submit),
        close=PlainTextObject(text="Back"),
        blocks=[
            typed(about),
            InputBlock(
                block_id=REASON,
                label=label,
                hint=hint,
                element=_text("", None),
            ),
        ],
    )


def _line(name: str, value: str, longest: int, example: str) -> PlainTextInputElement:
    return PlainTextInputElement(
        action_id=name,
        initial_value=value[:longest] or None,
        max_length=longest,
        placeholder=plain(f"e.g. {example}"),
    )


def _text(value: str, example: str | None) -> PlainTextInputElement:
    return PlainTextInputElement(
        action_id=REASON,
        initial_value=value[:MAX_REASON] or None,
        max_length=MAX_REASON,
        multiline=True,
        placeholder=plain(f"e.g. {example}") if example else None,
    )
