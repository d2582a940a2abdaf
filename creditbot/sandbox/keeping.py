"""What the sandbox's Slack and SendGrid keep over an end and another start, if asked to.

The bot has its database; without this, its cards and balances would be gone when it comes back.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .sendgrid import LedgerEntry, SendGridSandbox
from .slack import Message, SlackSandbox

BALANCE = ("remain", "added", "used", "overage")
MESSAGE = ("channel", "ts", "user", "text", "blocks", "edited", "visible_to", "thread_ts", "deleted")


def save(path: Path, slack: SlackSandbox, sendgrid: SendGridSandbox) -> None:
    """Write all messages and balances to `path`, whole or not at all."""
    account = sendgrid.account
    document = {
        "messages": [{name: getattr(m, name) for name in MESSAGE} for m in slack.workspace.messages],
        "subusers": {s.username: _balance(s) for s in account.subusers},
        "parent": _balance(account.parent),
        "ledger": [asdict(entry) for entry in account.ledger],
    }
    unfinished = path.with_suffix(".new")
    unfinished.write_text(json.dumps(document), encoding="utf-8")
    unfinished.replace(path)


def restore(path: Path, slack: SlackSandbox, sendgrid: SendGridSandbox) -> None:
    """Bring back what `save` wrote, if it wrote anything, into a furnished workspace and account."""
    if not path.exists():
        return
    document = json.loads(path.read_text(encoding="utf-8"))
    workspace, account = slack.workspace, sendgrid.account
    for person in workspace.people:
        workspace.direct_message(person)
    workspace.messages.extend(Message(**kept) for kept in document["messages"])
    _set_balance(account.parent, document["parent"])
    for subuser in account.subusers:
        _set_balance(subuser, document["subusers"].get(subuser.username, {}))
    account.ledger.extend(LedgerEntry(**entry) for entry in document["ledger"])


def _balance(of: object) -> dict[str, int]:
    return {name: getattr(of, name) for name in BALANCE}


def _set_balance(of: object, kept: dict[str, Any]) -> None:
    for name in BALANCE:
        if name in kept:
            setattr(of, name, kept[name])
