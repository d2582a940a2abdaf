"""What the daily comparison found, as people see it. A pure function to a message."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from creditbot.domain.drift import Comparison, Finding, Kind, Landed, Point, Settler
from creditbot.domain.markup import escape, literal
from creditbot.domain.text import count, credits_, number, signed
from creditbot.store.types import from_millis

from .message import Block, Message, context, header, moment, section

SHOWN_CHARACTERS = 8000
"""How much is said of single findings; the rest is counted, and stands in the ledger."""

NAMED = 20
"""Names, and requests of one finding, that are written out."""

LONGEST_NAME = 128

TITLE = "Balances compared with the ledger"


def comparison(found: Comparison) -> Message:
    parts = [_summary(found), *_findings(found.findings)]
    if found.unread or found.problem:
        parts.append(_unread(found))
    foot = "Each of these is an event in the ledger; `creditbot audit export` lists them all."
    blocks: list[Block] = [header(TITLE), *map(section, parts)]
    if found.findings:
        blocks.append(context(foot))
    return Message("\n".join([f"{TITLE}.", *parts]), blocks)


def _summary(found: Comparison) -> str:
    said = f"{count(found.compared, 'subuser')} compared"
    if found.not_comparable:
        said += f", {number(found.not_comparable)} skipped (new, deleted, or reset since the last comparison)"
    if not found.compared and found.problem:
        return "No balance could be compared with the ledger."
    if not found.findings:
        return f"{said}. Nothing stands out."
    return (
        f"{said}. *{number(len(found.findings))} changed in a way that neither creditbot nor the usual mail "
        "explains.* Ask the people who use SendGrid's console or API what they changed."
    )


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    """A paragraph for each, until there are too many."""
    said = 0
    for told, finding in enumerate(findings):
        paragraph = _finding(finding)
        said += len(paragraph)
        if said > SHOWN_CHARACTERS:
            yield f"And {count(len(findings) - told, 'other')}."
            return
        yield paragraph


def _finding(finding: Finding) -> str:
    if finding.kind is Kind.TYPE:
        return (
            f"*{_name(finding.subuser)} has another kind of credits*: {_kind(finding.before)} on "
            f"{_at(finding.before)}, {_kind(finding.after)} on {_at(finding.after)}."
        )
    expected = finding.expected or 0
    difference = (finding.after.remain or 0) - expected
    if finding.kind is Kind.ROSE:
        title, bound = "has more than the ledger explains", f"at most {number(expected)} could be left"
        verdict = f"At least {credits_(difference)} came from elsewhere."
    else:
        title, bound = "has less than expected", f"at least {number(expected)} would be left"
        verdict = (
            f"That is a difference of {signed(difference)}, where usual use is at most "
            f"{number(finding.usual or 0)} a day. Credits were removed elsewhere, or far more mail than "
            "usual was sent."
        )
    return (
        f"*{_name(finding.subuser)} {title}.* Balance on {_at(finding.before)}: {_remain(finding.before)}. "
        f"Changes by creditbot since: {_changes(finding.changes)}. Without any mail, {bound}. Balance on "
        f"{_at(finding.after)}: {_remain(finding.after)}. {verdict}{_concluded(finding)}"
    )


def _changes(changes: Iterable[Mapping[str, Any]]) -> str:
    landed = [change for change in changes if change["landed"] != Landed.NO]
    written = [_change(change) for change in landed[:NAMED]]
    if len(landed) > NAMED:
        written.append(count(len(landed) - NAMED, "other"))
    return ", ".join(written) or "nothing"


def _change(change: Mapping[str, Any]) -> str:
    perhaps = "" if change["landed"] == Landed.YES else "perhaps "
    return f"{perhaps}{signed(change['allocation_update'])} (request {change['request']})"


def _concluded(finding: Finding) -> str:
    """A sentence, with a space before it, about what SendGrid itself did not say."""
    settled = [
        f"request {change['request']} ({signed(change['allocation_update'])}) as "
        f"{'not applied' if change['landed'] == Landed.NO else 'applied'}, "
        f"{'by a person' if change['settled_by'] == Settler.PERSON else 'by the balance'}"
        for change in finding.changes
        if change["settled_by"] is not None
    ]
    if not settled:
        return ""
    return (
        f" A doubt was settled in between: {'; '.join(settled[:NAMED])}. If that was wrong, it may explain "
        "the difference."
    )


def _unread(found: Comparison) -> str:
    why = "" if found.problem is None else f" {found.problem}"
    if not found.unread:
        return f"The list of subusers could not be read.{why}"
    names = ", ".join(map(_name, found.unread[:NAMED]))
    more = len(found.unread) - NAMED
    others = f" and {count(more, 'other')}" if more > 0 else ""
    return f"*{number(len(found.unread))} could not be read.*{why} Not compared: {names}{others}."


def _name(subuser: str) -> str:
    return literal(subuser[:LONGEST_NAME])


def _kind(point: Point) -> str:
    return escape(point.type or "unknown")


def _remain(point: Point) -> str:
    return number(point.remain or 0)


def _at(point: Point) -> str:
    return moment(from_millis(point.at))
