"""A SendGrid on this machine: for demonstrations, acceptance tests and fault campaigns.

It behaves as the documented credit endpoints do, and needs nothing of the rest of creditbot.
"""

from creditbot.sandbox.sendgrid.account import Account, BelowZero, LedgerEntry
from creditbot.sandbox.sendgrid.api import SCOPES
from creditbot.sandbox.sendgrid.balance import Balance, Region, ResetFrequency, Subuser, SubuserType
from creditbot.sandbox.sendgrid.calls import Call
from creditbot.sandbox.sendgrid.changes import Change
from creditbot.sandbox.sendgrid.faults import Faults
from creditbot.sandbox.sendgrid.server import SendGridSandbox

__all__ = [
    "SCOPES",
    "Account",
    "Balance",
    "BelowZero",
    "Call",
    "Change",
    "Faults",
    "LedgerEntry",
    "Region",
    "ResetFrequency",
    "SendGridSandbox",
    "Subuser",
    "SubuserType",
]
