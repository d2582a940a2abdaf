"""Forms that were sent: a request, a denial, a settlement. Faults are shown at their fields."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from slack_bolt.response import BoltResponse

from creditbot.domain import amounts, fields
from creditbot.domain.changes import Change
from creditbot.domain.commands import Ask
from creditbot.domain.documents import read_document
from creditbot.domain.errors import CommandError, DomainError, Refusal
from creditbot.domain.markup import for_a_field, literal
from creditbot.domain.questions import Question
from creditbot.domain.requests import CreditRequest
from creditbot.domain.text import signed
from creditbot.elapsed import boottime
from creditbot.operations import Decisions, Delivery, Names, Requests, Settlements

from . import answers, forms
from .boundary import boundary
from .home import Home
from .message import Message, sentence
from .naming import NamingAck
from .payloads import Submission, UnreadablePayload
from .recent_deliveries import RecentDeliveries
from .responder import Responder
from .switchboard import OTHERS, Handler
from .tasks import Tasks

AMOUNT_RULES = frozenset({"no_tier", "per_request", "per_requester_24h", "per_subuser_24h", "in_all_24h"})


class Submissions:
    """Each handler commits, then acks; a second delivery of the same form finds the first one's work."""

    def __init__(
        self,
        *,
        home: Home,
        responder: Responder,
        tasks: Tasks,
        requests: Requests,
        decisions: Decisions,
        settlements: Settlements,
        names: Names,
    ) -> None:
        self._home = home
        self._responder = responder
        self._tasks = tasks
        self._requests = requests
        self._decisions = decisions
        self._settlements = settlements
        self._names = names
        self._recent = RecentDeliveries()
        self.handlers: Mapping[str, Handler[Submission]] = {
            forms.ASK: self._ask,
            forms.ASK_ANYWAY: self._ask_anyway,
            forms.DENY: self._deny,
            forms.SETTLE: self._settle,
            forms.BREAK_GLASS: self._break_glass,
            OTHERS: self._unknown,
        }

    async def _ask(self, ack: NamingAck, sent: Submission) -> None:
        started = boottime()
        command, errors = read_request(sent.values)
        if command is None:
            await ack(response_action="errors", errors=errors)
            return
        async with boundary(_at_field(ack, forms.REASON), "a form"), _where_it_belongs(ack):
            actor, delivery = self._home.actor(sent.sender), _delivery(sent, started)
            # Nothing secret goes to SendGrid as a name.
            self._requests.check_secrets(command)
            if unknown := await self._names.unknown(command.change.subuser, actor, delivery):
                raise CommandError(unknown, forms.SUBUSER)
            found = await self._requests.ask(command, requested_by=actor, delivery=delivery)
            if isinstance(found, Question):
                await self._ask_back(ack, found, sent)
            elif asks_the_same(found, command):
                await self._taken(ack, found, sent)
            else:
                raise DomainError(
                    f"This form has already been submitted, as request {found.id} "
                    f"({signed(found.allocation_update)} for {literal(found.subuser)}). Close it and "
                    "type `/credits request` for another change."
                )

    async def _ask_anyway(self, ack: NamingAck, sent: Submission) -> None:
        started = boottime()
        async with boundary(_at_field(ack, forms.REASON), "a form"), _in_its_place(ack):
            request = await self._requests.ask_anyway(
                _carried(sent).get("question", ""),
                requested_by=self._home.actor(sent.sender),
                delivery=_delivery(sent, started),
                reason=fields.reason(sent.values.get(forms.REASON, "")),
            )
            await self._taken(ack, request, sent)

    async def _ask_back(self, ack: NamingAck, question: Question, sent: Submission) -> None:
        carried = json.dumps(_carried(sent) | {"question": question.token})
        text = answers.asked_already(question, self._home.links.to)
        await ack(response_action="update", view=forms.ask_anyway(question, text, carried))

    async def _taken(self, ack: NamingAck, request: CreditRequest, sent: Submission) -> None:
        """The answer in the form, and where the form was opened from."""
        message = answers.asked(request, self._requests.channel_of(request), self._home.links.to)
        await ack(response_action="update", view=forms.done("Sent for approval", message))
        response_url = _carried(sent).get("response_url", "")
        if response_url.startswith(("https://", "http://")) and not self._recent.came_before(
            sent.delivery_id
        ):
            self._tasks.spawn(self._responder.answer(response_url, message))

    async def _deny(self, ack: NamingAck, sent: Submission) -> None:
        started = boottime()
        async with boundary(_at_field(ack, forms.REASON), "a denial"), _in_its_place(ack):
            reason = fields.reason(sent.values.get(forms.REASON, ""))
            await self._decisions.deny(sent.card, sent.user, reason, _delivery(sent, started))
            await ack()

    async def _break_glass(self, ack: NamingAck, sent: Submission) -> None:
        started = boottime()
        async with boundary(_at_field(ack, forms.REASON), "an emergency approval"), _in_its_place(ack):
            reason = fields.reason(sent.values.get(forms.REASON, ""))
            await self._decisions.break_glass(sent.card, sent.user, reason, _delivery(sent, started))
            await ack()

    async def _settle(self, ack: NamingAck, sent: Submission) -> None:
        started = boottime()
        async with boundary(_at_field(ack, forms.REASON), "a settlement"), _in_its_place(ack):
            if sent.word not in {"applied", "not_applied"}:
                raise UnreadablePayload("a settlement without its word")
            await self._settlements.settle(
                sent.card,
                sent.user,
                applied=sent.word == "applied",
                reason=fields.reason(sent.values.get(forms.REASON, ""), fields.HOW_YOU_KNOW),
                delivery=_delivery(sent, started),
            )
            await ack()

    async def _unknown(self, ack: NamingAck, sent: Submission) -> BoltResponse:
        """A form that is not ours, or no longer."""
        del ack, sent
        return BoltResponse(status=404, body="")


def _delivery(sent: Submission, at: float) -> Delivery:
    return Delivery(sent.delivery_id, at, ack_is_answer=True)


def asks_the_same(request: CreditRequest, command: Ask) -> bool:
    return (request.change, request.reason) == (command.change, command.reason)


@asynccontextmanager
async def _in_its_place(ack: NamingAck) -> AsyncIterator[None]:
    """Nothing in the form can mend a refusal, so the sentence takes the form's place, with its mentions."""
    try:
        yield
    except Refusal as refusal:
        await ack(
            response_action="update",
            view=forms.done("Nothing was changed", sentence(refusal.sentence)),
        )


@asynccontextmanager
async def _where_it_belongs(ack: NamingAck) -> AsyncIterator[None]:
    """A smaller amount may mend what the policy refuses; what nothing mends takes the form's place."""
    try:
        yield
    except CommandError as error:
        await ack(response_action="errors", errors={error.field or forms.REASON: for_a_field(error.sentence)})
    except Refusal as refusal:
        if refusal.rule not in AMOUNT_RULES:
            async with _in_its_place(ack):
                raise
        await ack(response_action="errors", errors={forms.AMOUNT: for_a_field(refusal.sentence)})


def read_request(values: Mapping[str, str]) -> tuple[Ask | None, dict[str, str]]:
    """The request that a form holds, or the sentences for its fields, all at once."""
    errors: dict[str, str] = {}
    read: dict[str, Any] = {}
    for name, reader in (
        (forms.SUBUSER, fields.subuser_name),
        (forms.AMOUNT, partial(amounts.amount, in_form=True)),
        (forms.REASON, fields.reason),
    ):
        try:
            read[name] = reader(values.get(name, ""))
        except CommandError as error:
            errors[name] = for_a_field(error.sentence)
    direction = values.get(forms.DIRECTION)
    if direction not in {"add", "remove"}:
        errors[forms.DIRECTION] = "Choose whether to add or to remove credits."
    if errors:
        return None, errors
    amount = read[forms.AMOUNT]
    change = Change(read[forms.SUBUSER], amount if direction == "add" else -amount)
    return Ask(change, read[forms.REASON]), {}


def _at_field(ack: NamingAck, field: str) -> Any:
    """A form has no place for a sentence but at one of its fields."""

    async def say(message: Message) -> None:
        await ack(response_action="errors", errors={field: for_a_field(message.text)})

    return say


def _carried(sent: Submission) -> dict[str, str]:
    """What the form for a request carries: where it was opened from, and the question that it has become."""
    found = read_document(sent.private_metadata) or {}
    return {name: value for name, value in found.items() if isinstance(value, str)}
