"""The state of a request in a sign and a word, so that it is seen at a glance, and not by colour alone."""

from creditbot.domain.requests import CreditRequest, Status

STATES = {
    Status.PENDING: "🔔 Waiting for approval",
    Status.APPROVED: "👍 Approved",
    Status.APPLYING: "📤 Being applied",
    Status.APPLIED: "✅ Applied",
    Status.FAILED: "❌ Failed",
    Status.DENIED: "⛔ Denied",
    Status.CANCELLED: "↩️ Cancelled",
    Status.EXPIRED: "⌛ Expired",
    Status.REFUSED: "🚫 Refused",
    Status.IN_DOUBT: "❓ In doubt",
}

LOOK_AGAIN = "⚠️ Look again"
"""It has ended, and SendGrid's own late answer says otherwise."""


def state(request: CreditRequest) -> str:
    return LOOK_AGAIN if request.contradicted_at is not None else STATES[request.status]
