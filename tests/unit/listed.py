"""Lists of given requests, as they are shown to one person."""

from collections import Counter
from collections.abc import Sequence

from creditbot.domain.paging import Section
from creditbot.domain.place import Place
from creditbot.domain.requests import CreditRequest
from creditbot.operations import OpenRequests
from creditbot.slack import lists
from creditbot.slack.message import Message
from creditbot.slack.permalinks import Permalinks
from creditbot.store.lists import Page

CHANNEL = "C0APPROVE"
LINKS = Permalinks("https://acme.slack.com/")


def page(
    requests: Sequence[CreditRequest],
    *sections: Section,
    first: int = 1,
    total: int | None = None,
    ts: str | None = None,
) -> Page:
    """A page of a list of `total`; sections are given in full, or the last one counts for the rest."""
    parts = [*sections, *[sections[-1] if sections else Section.ALL] * len(requests)][: len(requests)]
    counts = Counter(parts)
    if requests and total is not None:
        counts[parts[-1]] += total - len(requests)
    places = {request.id: Place(CHANNEL, ts) for request in requests}
    return Page(list(zip(parts, requests, strict=True)), first if requests else 0, counts, places)


def lists_of(requests: Sequence[CreditRequest], subuser: str) -> list[Message]:
    """Each list there is, with buttons both ways, and with nothing in it; links are not known."""

    def between(*parts: Section) -> Page:
        return page(requests, *parts, first=11, total=1_000_000)

    unread = frozenset({"S0FINANCE"})
    parts = [Section.FOR_YOU, Section.YOURS, Section.OTHERS]
    nowhere = Permalinks().to
    return [
        lists.pending(OpenRequests(between(*parts), False, unread), nowhere),
        lists.history(None, between(), nowhere),
        lists.history(subuser, between(), nowhere),
        lists.history(subuser, page([]), nowhere),
    ]
