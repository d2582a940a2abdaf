"""What stands in the approvals channel, but for what the clock posts there."""

from creditbot.sandbox.slack import Message, SlackSandbox
from creditbot.sandbox.world import APPROVALS

BY_THE_CLOCK = ("Daily credit summary", "Balances compared with the ledger")
"""How a message begins that comes at its hour, so in the midst of a test if that is when it runs."""


def cards(slack: SlackSandbox) -> list[Message]:
    return [
        message
        for message in slack.messages(APPROVALS)
        if not message.plain().lstrip().startswith(BY_THE_CLOCK)
    ]
