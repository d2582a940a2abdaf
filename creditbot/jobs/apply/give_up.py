"""How a request ends that this job can't get on with."""

from creditbot.domain.requests import Outline, Status
from creditbot.jobs.give_up import find_in_log, nothing_sent
from creditbot.jobs.job import Parts
from creditbot.store import attempts, requests
from creditbot.store.database import Transaction


async def give_up(parts: Parts, transaction: Transaction, request: Outline) -> None:
    match request.status:
        case Status.APPROVED:
            await nothing_sent(parts, transaction, request, Status.CANCELLED, "send this change")
        case Status.APPLYING:
            if await attempts.may_have_counted(transaction.connection, request.id):
                await _doubt(parts, transaction, request)
            else:
                await nothing_sent(parts, transaction, request, Status.FAILED, "send this change")


async def _doubt(parts: Parts, transaction: Transaction, request: Outline) -> None:
    sentence = (
        "An internal error stopped creditbot while it was sending the change, so it is not known "
        f"whether SendGrid received it. {find_in_log(request, 'Its answer may be there, too.')}"
    )
    now = parts.clock()
    over = now + parts.lapse
    await requests.transition(
        transaction,
        request,
        Status.IN_DOUBT,
        kind="in_doubt",
        at=now,
        detail={"rule": "given_up", "said": sentence},
        explanation=sentence,
        unclear_until=over,
        next_try_at=over,
    )
