"""Lists of requests, a page at a time. Pure functions to messages."""

from collections.abc import Callable, Sequence

from creditbot.domain.errors import UnreadableRequest
from creditbot.domain.markup import literal, people, person
from creditbot.domain.paging import History, Pending, Section, Turn, written
from creditbot.domain.place import Place
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.text import count, credits_, number
from creditbot.operations import EXAMINED, OpenRequests
from creditbot.store.lists import Page

from .cards.states import state
from .message import Block, Message, actions, button, context, header, linked, moment, plain, section

PAGE_BACK, PAGE_ON = "page_back", "page_on"

Link = Callable[[Place | None], str | None]
"""The address of a card, if it is known."""

HEADINGS = {
    Section.FOR_YOU: "Waiting for you",
    Section.YOURS: "Requested by you",
    Section.OTHERS: "Others",
}

HINT = "`/credits show ID` shows everything about one request."


def pending(found: OpenRequests, link: Link) -> Message:
    """The open requests: what waits for whoever looks comes first."""
    page = found.page
    if not page.entries:
        none = "There are no open requests. `/credits add` asks for credits."
        return Message(none, [section(none)])
    notes = []
    if not found.complete:
        notes.append(
            f"More than {number(EXAMINED)} requests are waiting for a decision. creditbot checked the "
            f"oldest {number(EXAMINED)} for those that wait for you; more of them may be listed under "
            "Others."
        )
    if found.unread:
        notes.append(
            f"creditbot can't read the members of {people(sorted(found.unread))} in Slack, so requests that "
            "wait for you through it are listed under Others."
        )
    titles = ("Open requests", "Open requests")
    return _listed(titles, page, link, Pending(), notes=notes, complete=found.complete)


def history(subuser: str | None, page: Page, link: Link) -> Message:
    """The latest requests, of one subuser or of all."""
    if not page.entries:
        none = "There are no requests yet. `/credits add` asks for credits."
        if subuser:
            none = f"There are no requests for {literal(subuser)}. `/credits history` lists all requests."
        return Message(none, [section(none)])
    titles = ("Latest requests", "Latest requests")
    if subuser:
        titles = (f"{titles[0]} for {subuser}", f"{titles[1]} for {literal(subuser)}")
    return _listed(titles, page, link, History(subuser))


def _listed(
    titles: tuple[str, str],
    page: Page,
    link: Link,
    wanted: Pending | History,
    *,
    notes: Sequence[str] = (),
    complete: bool = True,
) -> Message:
    """`titles` say the same in plain text and in mrkdwn."""
    title, heading = titles
    showing = f"Showing {number(page.first)}–{number(page.last)} of {number(page.total)}."
    blocks: list[Block] = [header(title), context(" ".join([showing, *notes]))]
    lines = [f"{heading}. {showing}", *notes]
    before: Section | None = None
    for part, request in page.entries:
        if part is not before and part in HEADINGS:
            blocks.append(section(_heading(part, page.counts[part], complete=complete)))
            lines.append(_heading(part, page.counts[part], complete=complete))
        before = part
        place = page.places.get(request.id)
        if isinstance(request, UnreadableRequest):
            entry = f"⚠️ Unreadable: {request.sentence}"
            blocks.append(section(entry))
        else:
            entry = _entry(request, place, link)
            blocks += [section(entry), context(plain(shortened(request.reason)))]
        lines.append(entry)
    blocks += [*_turns(page, wanted), context(HINT)]
    return Message("\n".join([*lines, HINT]), blocks)


def _heading(part: Section, number_of_them: int, *, complete: bool) -> str:
    unsure = part is Section.FOR_YOU and not complete
    return f"*{HEADINGS[part]}* ({'at least ' if unsure else ''}{count(number_of_them, 'request')})"


def _entry(request: CreditRequest, place: Place | None, link: Link) -> str:
    about = linked(f"Request {request.id}", link(place))
    facts = [f"requested by {person(request.requested_by)} on {moment(request.requested_at)}"]
    if request.status is Status.PENDING:
        facts.append(f"expires on {moment(request.expires_at)}")
    elif request.finished_at is not None:
        facts.append(f"ended on {moment(request.finished_at)}")
    if place is not None:
        facts.append(f"card in <#{place.channel}>")
    change = f"*{credits_(request.allocation_update)}* for {literal(request.subuser)}"
    return f"{state(request)}: {change}\n{about}, {', '.join(facts)}"


def _turns(page: Page, wanted: Pending | History) -> list[Block]:
    """Buttons to the pages before and after this one, where there are any."""
    back, on = ("Newer", "Older") if isinstance(wanted, History) else ("Previous", "Next")
    buttons = []
    if page.first > 1:
        part, request = page.entries[0]
        buttons.append(button(back, PAGE_BACK, written(wanted, Turn(False, part, request.id))))
    if page.last < page.total:
        part, request = page.entries[-1]
        buttons.append(button(on, PAGE_ON, written(wanted, Turn(True, part, request.id))))
    return [actions("pages", *buttons)] if buttons else []


def shortened(text: str) -> str:
    """A reason in a list, which has to fit one message."""
    return text if len(text) <= 150 else f"{text[:149]}…"
