"""How what a person does reached us: Slack may deliver it more than once."""

from dataclasses import dataclass
from datetime import datetime

from creditbot.store import deliveries
from creditbot.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of Slack's, which may come again.

    `id` names it by its trigger or view, the same each time it is delivered; None is like no other. `at` is
    the `boottime()` at which it came. `ack_is_answer` is true where the person sees nothing but the
    ack (a form, a command), so that a second ack must say what the first one said.
    """

    id: str | None
    at: float
    ack_is_answer: bool = False


async def came_before(transaction: Transaction, delivery: Delivery | None, now: datetime) -> bool:
    """Whether Slack had delivered this before; what has no name never was."""
    if delivery is None or delivery.id is None:
        return False
    return await deliveries.came_before(transaction, delivery.id, now)
