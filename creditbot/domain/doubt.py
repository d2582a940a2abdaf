"""Whom to ask what became of a request, when the balance does not prove it or SendGrid contradicts it."""

from datetime import datetime

from .policy import Policy
from .requests import CreditRequest
from .who import Roster


def whom_to_ask(
    request: CreditRequest, policy: Policy, roster: Roster, now: datetime, channel: str
) -> list[str]:
    """Those who approved it; if none of them may settle it, as far as is known, everyone who may.

    Nobody has approved what its requester approved in an emergency, and its requester may not settle it.
    If nobody is known who may, since Slack does not say who is in a user group, the channel is told.
    """
    agreed = request.approvers
    covered = policy.tiers_of(request.changes)
    authority = policy.authority(request, now) if covered else policy.approvers_of_all_tiers
    able = roster.everyone(authority) - {request.requested_by}
    if not able:
        return [*agreed, channel]
    return [*agreed, *(sorted(able) if able.isdisjoint(agreed) else [])]
