"""Figures drawn: as Slack's own block, as text where it takes none, and in words for whoever sees neither.

A message puts `blocks` among its own, `plainer` among those that stand for them, and `words` into its text.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from creditbot.domain.markup import escape, literal
from creditbot.domain.text import boxed, number, signed
from creditbot.domain.timeline import Timeline, cut, day_of, together

from . import bounds
from .data_blocks import PAGE, Line, data_table, line_chart
from .message import Block, code_block, context, section
from .sparkline import drawn, sign, titled, words
from .tables import Table, as_text, in_words

IN_WORDS = 10
"""Rows of a table that its words name."""

NAMED = 5
"""Changes of a subuser that are named with their dates."""

TOGETHER = 25
"""Rows in one block of code; each has the headings on top."""


@dataclass(frozen=True, slots=True)
class Picture:
    """`words` are mrkdwn, and say by themselves what matters of the rest."""

    blocks: Sequence[Block]
    plainer: Sequence[Block]
    words: str


def of_table(table: Table, *, page_size: int = PAGE) -> Picture:
    """At most 100 rows, of which `page_size` are seen at once; what pages further is the message."""
    title = escape(table.caption)
    if not table.rows:
        return Picture([section(title)], [section(title)], title)
    parts = [replace(table, rows=table.rows[first : first + TOGETHER]) for first in _firsts(table)]
    plainer = [section(f"*{title}*"), *(code_block(as_text(part)) for part in parts)]
    said = "; ".join(
        f"{literal(row[0].text)}: {escape(in_words(table, row))}" for row in table.rows[:IN_WORDS]
    )
    more = len(table.rows) - IN_WORDS
    said = f"{title}. {said}" + (f"; and {number(more)} more" if more > 0 else "")
    return Picture([data_table(table, page_size=page_size)], plainer, said)


def of_balance(timeline: Timeline) -> Picture:
    """One subuser's balance, with our own changes marked at their dates."""
    said = words(timeline)
    if not timeline.known:
        return Picture([section(said)], [section(said)], said)
    labels, [values] = together([timeline], bounds.CATEGORIES)
    marked = _marked(timeline, labels)
    name = boxed(timeline.subuser)
    chart = line_chart(f"Credits left: {name}", marked, [Line(name, values)], y_label="Credits")
    notes = [f"{said}.", *_own_changes(timeline), *(["Times are in UTC."] if ":" in labels[0] else [])]
    plainer = [section(f"{said}."), code_block(drawn(timeline)), *map(context, _own_changes(timeline))]
    return Picture([chart, context(" ".join(notes))], plainer, said)


def of_balances(timelines: Sequence[Timeline], title: str) -> Picture:
    """Several subusers' balances, six at most, on one scale; in text each has its own."""
    shown = [timeline for timeline in timelines if timeline.known][: bounds.SERIES]
    said = ". ".join(map(words, timelines[: bounds.SERIES]))
    if not shown:
        return Picture([section(said)], [section(said)], said)
    labels, values = together(shown, bounds.CATEGORIES)
    lines = [Line(boxed(one.subuser), line) for one, line in zip(shown, values, strict=True)]
    chart = line_chart(title, labels, lines, y_label="Credits")
    begin = day_of(min(timeline.known[0][0] for timeline in shown))
    since = [(one, day_of(one.known[0][0])) for one in shown]
    notes = [f"{literal(boxed(one.subuser))} is known from {day} on." for one, day in since if day != begin]
    plainer = [section(f"*{escape(title)}*"), *(code_block(titled(one)) for one in shown)]
    return Picture([chart, *([context(" ".join(notes))] if notes else [])], plainer, said)


def _own_changes(timeline: Timeline) -> list[str]:
    """▲ +15,000 on 14 Nov, ▼ −100 on 25 Nov: the newest few, since a chart may leave out labels."""
    if not timeline.changes:
        return []
    newest = timeline.changes[-NAMED:]
    told = [
        f"{sign(one.allocation_update)} {signed(one.allocation_update)} on {day_of(one.at)}" for one in newest
    ]
    before = len(timeline.changes) - len(newest)
    return [f"Changes: {', '.join(told)}{f', and {number(before)} before' if before else ''}."]


def _firsts(table: Table) -> range:
    return range(0, min(len(table.rows), bounds.TABLE_ROWS), TOGETHER)


def _marked(timeline: Timeline, labels: Sequence[str]) -> list[str]:
    """The labels, with a sign where a change was made: a chart of Slack's has no other place for one.

    A change in a slot that has no reading is marked at the next one that has, or else at the last.
    """
    slots = cut([timeline], bounds.CATEGORIES)
    ends = [end for label, end in zip(slots.labels, slots.bounds[1:], strict=True) if label in labels]
    ends[-1] = slots.bounds[-1]
    marked, start = [], slots.bounds[0]
    for label, end in zip(labels, ends, strict=True):
        here = [change.allocation_update for change in timeline.changes if start <= change.at < end]
        marked.append(f"{label} {sign(sum(here))}" if here else label)
        start = end
    return marked
