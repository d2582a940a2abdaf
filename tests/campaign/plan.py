"""What a campaign does: how much of everything, all drawn from one seed."""

from dataclasses import dataclass
from random import Random

from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.sandbox.slack import SlackSandbox

SUBUSERS = 50

# (weight, kind, options): what SendGrid does to a PATCH. "before" is not applied, "after" is.
PATCH_FAULTS: list[tuple[int, str, dict[str, object]]] = [
    (3, "drop_before", {}),
    (3, "drop_after", {}),
    (2, "hang_before", {"seconds": 3.0}),
    (2, "hang_after", {"seconds": 3.0}),
    (2, "status_before", {"status": 500}),
    (2, "status_after", {"status": 502}),
    (1, "garbage_before", {}),
    (1, "garbage_after", {}),
    (1, "truncate_after", {}),
    (1, "reset_connection", {"applied": True}),
    (1, "reset_connection", {"applied": False}),
    (3, "rate_limit", {"reset": 1}),
    (2, "slow", {"seconds": 0.5}),
]


UNCLEAR = {kind for _, kind, _ in PATCH_FAULTS} - {"rate_limit", "slow"}
"""Faults after which nobody can know from the answer alone whether the change was applied."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`faults` is the chance that an approval meets a fault of SendGrid."""

    seed: int = 1
    requests: int = 100
    kills: int = 20
    stops: int = 5
    faults: float = 0.25
    slack_faults: int = 20
    restarts: int = 2  # of PostgreSQL


def fault_sendgrid(random: Random, sendgrid: SendGridSandbox) -> None:
    weights = [weight for weight, _, _ in PATCH_FAULTS]
    _, kind, options = random.choices(PATCH_FAULTS, weights)[0]
    sendgrid.faults.add(kind, method="PATCH", **options)  # type: ignore[arg-type]  # checked by the sandbox


def fault_slack(random: Random, slack: SlackSandbox) -> None:
    method = random.choice(["chat.postMessage", "chat.update"])
    match random.randrange(3):
        case 0:
            slack.faults.http(method, status=500, times=random.randint(1, 3))
        case 1:
            slack.faults.http(method, status=429, headers={"Retry-After": "1"}, times=random.randint(1, 3))
        case _:
            slack.faults.after(method)
