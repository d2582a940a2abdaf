"""The company that the demo and the tests play in: its people, its channels, its subusers."""

from datetime import date

from .sendgrid import Balance, SendGridSandbox, Subuser
from .slack import Person, SlackSandbox

ALICE = "U0ALICE"  # asks; an approver too, though not of her own requests
BOB = "U0BOB"  # approves, listed by name
CAROL = "U0CAROL"  # approves, through the user group
DAN = "U0DAN"  # neither
ERIN = "U0ERIN"  # looks at the record
FINANCE = "S0FINANCE"
GENERAL = "C0GENERAL"
APPROVALS = "C0APPROVALS"
APPROVERS = f"{ALICE},{BOB},{FINANCE}"


def furnish_slack(slack: SlackSandbox) -> None:
    workspace = slack.workspace
    workspace.add_person(Person(ALICE, "alice", "Alice", "Europe/Berlin", "asks"))
    workspace.add_person(Person(BOB, "bob", "Bob", "America/New_York", "approves"))
    workspace.add_person(Person(CAROL, "carol", "Carol", "Europe/London", "approves"))
    workspace.add_person(Person(DAN, "dan", "Dan", "Asia/Tokyo", "outsider"))
    workspace.add_person(Person(ERIN, "erin", "Erin", "Europe/Paris", "auditor"))
    everyone = (ALICE, BOB, CAROL, DAN, ERIN)
    workspace.add_channel(GENERAL, "general", members=everyone)
    workspace.add_channel(APPROVALS, "credit-approvals", members=everyone, bot_in=True)
    workspace.add_user_group(FINANCE, "finance", [CAROL])


MAILS_PER_SECOND = {"acme": 0.5, "globex": 0.2, "initech": 3.0}
"""How fast each subuser sends, where mail is let flow."""


def furnish_sendgrid(sendgrid: SendGridSandbox, today: date) -> None:
    """One subuser of each kind."""
    account = sendgrid.account
    account.oversell = 2.5
    account.add_subuser(Subuser("acme", "nonrecurring", remain=1200, total=20000, used=18800))
    account.add_subuser(
        Subuser(
            "globex",
            "recurring",
            remain=340,
            total=10000,
            used=9660,
            reset_frequency="monthly",
            last_reset=today.replace(day=1),
        )
    )
    account.add_subuser(Subuser("initech", "unlimited", used=5120))
    account.add_customer_account(
        "12345", Balance(remain=88000, total=100000, used=12000, reset_frequency="monthly")
    )
