"""The bot with its guard switched off, for the control run: an attempt without a clear answer is sent again.

Only the campaign can run this; the bot itself has no such switch.
"""

from typing import Any

from creditbot.cli import main
from creditbot.domain.credits import InDoubt, NotSent
from creditbot.jobs import apply
from creditbot.sendgrid.client import SendGrid


def unguard() -> None:
    """Take a crash, and any unclear answer, for "was not sent"."""
    vars(apply)["MAY_BE_REPEATED"] = frozenset({None, "not_sent", "rate_limited", "in_doubt"})
    guarded = SendGrid.update_remaining

    async def hopeful(self: SendGrid, name: str, allocation_update: int) -> Any:
        outcome = await guarded(self, name, allocation_update)
        return NotSent(outcome.detail) if isinstance(outcome, InDoubt) else outcome

    type.__setattr__(SendGrid, "update_remaining", hopeful)


if __name__ == "__main__":
    unguard()
    main()
