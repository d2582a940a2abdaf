"""`/credits add` and `remove`, and `request`: asking for a change, whole or in a form."""

import json
from functools import partial

from creditbot.domain import amounts
from creditbot.domain.changes import Change
from creditbot.domain.commands import Ask, OpenForm
from creditbot.domain.fields import MAX_NAME, MAX_REASON, reason, subuser_name
from creditbot.domain.questions import Question
from creditbot.slack import answers, forms
from creditbot.slack.message import View

from . import grammar
from .specification import Parts, Specification, Typed, usage

ARGUMENTS = "SUBUSER AMOUNT REASON"


def _parse(direction: str, rest: str) -> Ask | OpenForm:
    name, amount_text, reason_text = grammar.change(rest)
    if name:
        name = subuser_name(name)
    if amount_text:
        value = amounts.amount(amount_text)
        if reason_text:
            change = Change(name, value if direction == "add" else -value)
            return Ask(change, reason(reason_text))
    return OpenForm(direction, name, amount_text, "")


def _parse_request(rest: str) -> OpenForm:
    name, amount_text, reason_text = grammar.change(rest)
    return OpenForm("add", name[:MAX_NAME], amount_text[:40], reason_text[:MAX_REASON])


async def _handle(given: Ask | OpenForm, typed: Typed, parts: Parts) -> None:
    if isinstance(given, OpenForm):
        await _open_form(given, typed, parts)
        return
    found = await parts.requests.ask(given, requested_by=typed.actor, delivery=typed.delivery)
    if isinstance(found, Question):
        await typed.answer(answers.same_again(found, parts.links))
    else:
        await typed.answer(answers.asked(found, parts.requests.channel_of(found), parts.links))


async def _open_form(given: OpenForm, typed: Typed, parts: Parts) -> None:
    async def view() -> View:
        await parts.requests.check_may_ask(typed.actor)
        # The answer to the form goes where the command was typed, visible to the same person only.
        return forms.ask(given, json.dumps({"response_url": typed.response_url}))

    await typed.open(view, f"Type it in full instead: `{usage(given.direction, ARGUMENTS)}`.")


COMMANDS: tuple[Specification[Ask | OpenForm] | Specification[OpenForm], ...] = (
    Specification(
        "add",
        "ask for more credits, such as `/credits add acme 5000 Black Friday` (also `5,000`, `5k`, `1.5m`)",
        partial(_parse, "add"),
        _handle,
        ARGUMENTS,
        place=20,
    ),
    Specification("remove", "ask to remove credits", partial(_parse, "remove"), _handle, ARGUMENTS, place=30),
    Specification(
        "request",
        "ask in a form; `add` and `remove` open it, too, if something is missing",
        _parse_request,
        _open_form,
        place=40,
    ),
)
