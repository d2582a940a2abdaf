"""Reading a subuser's credits as evidence: before an attempt and after a doubt in the very same way."""

from creditbot.domain.credits import SubuserCredits
from creditbot.domain.evidence import Reading
from creditbot.domain.rules import lasts_until_reset
from creditbot.sendgrid import SendGrid


async def read_credits(sendgrid: SendGrid, subuser: str) -> tuple[SubuserCredits, Reading]:
    """The credits, and with the date of the last reset where there are resets.

    Raises:
        SendGridProblem: SendGrid did not say.
    """
    found = await sendgrid.subuser_credits(subuser)
    last_reset = None
    if lasts_until_reset(found.type):
        last_reset = (await sendgrid.balance(subuser)).last_reset
    return found, Reading(found.type, found.remain, last_reset)
