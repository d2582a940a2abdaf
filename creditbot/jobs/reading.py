"""Reading a subuser's credits as evidence: before an attempt and after a doubt in the very same way."""

from creditbot.domain.change_rules import lasts_until_reset
from creditbot.domain.credits import SubuserCredits
from creditbot.domain.evidence import Reading, read_together
from creditbot.sendgrid.client import SendGrid


async def read_credits(sendgrid: SendGrid, subuser: str) -> tuple[SubuserCredits, Reading]:
    """The credits, and with the date of the last reset where there are resets.

    The date comes from another endpoint, so a reset may fall between the two answers. The credits are
    read on both sides of it: only so the two are known to belong together.

    Raises:
        SendGridProblem: SendGrid did not say.
    """
    found = await sendgrid.subuser_credits(subuser)
    if not lasts_until_reset(found.type):
        return found, Reading(found.type, found.remain, None)
    last_reset = (await sendgrid.balance(subuser)).last_reset
    again = await sendgrid.subuser_credits(subuser)
    return again, read_together(found, last_reset, again)
