"""`/credits balance`: what remains of a subuser's credits, of a customer account's, or of the parent's."""

import re

from creditbot.domain.commands import ShowBalance
from creditbot.domain.errors import CommandError
from creditbot.domain.fields import ACCOUNT_ID_PREFIX, subuser_name
from creditbot.slack import answers
from creditbot.slack.message import Message

from . import grammar
from .specification import Parts, Specification, Typed, usage

ARGUMENTS = "[SUBUSER]"


def _parse(rest: str) -> ShowBalance:
    if not rest:
        return ShowBalance(None)
    # Slack people write the header's own form too: "account-id 123".
    subject = re.sub(r"^account-id[: ]\s*", ACCOUNT_ID_PREFIX, rest, flags=re.IGNORECASE)
    subject = grammar.one(subject, "one subuser, or none", usage("balance", ARGUMENTS))
    if not subject.startswith(ACCOUNT_ID_PREFIX):
        return ShowBalance(subuser_name(subject))
    account = subject.removeprefix(ACCOUNT_ID_PREFIX)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", account):
        raise CommandError(
            "Name a customer account by its ID, which has letters and digits: `/credits balance "
            "account-id:12345`."
        )
    return ShowBalance(f"account-id {account}")


async def _handle(wanted: ShowBalance, typed: Typed, parts: Parts) -> None:
    async def look_up() -> Message:
        return answers.balance(await parts.queries.balance(wanted, typed.actor))

    await typed.later(look_up)


COMMANDS = (
    Specification(
        "balance",
        "the balance of a subuser, or of the parent account if you leave the name out; `account-id:12345` "
        "for a customer account",
        _parse,
        _handle,
        ARGUMENTS,
        place=10,
    ),
)
