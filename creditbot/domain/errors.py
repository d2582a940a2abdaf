"""What a person may be told when something can't be done.

The text of each of these is a finished sentence that says what to do next; it is shown as it is.
"""

from collections.abc import Sequence

from .markup import literal


class DomainError(Exception):
    """A sentence for the person who asked."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class CommandError(DomainError):
    """What was typed can't be read; `field` names the part, so that a form can show it there."""

    def __init__(self, sentence: str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


class Refusal(DomainError):
    """A rule says no; `rule` is its short name, kept in the event about it."""

    def __init__(self, rule: str, sentence: str) -> None:
        super().__init__(sentence)
        self.rule = rule


class UnknownRequest(Refusal):
    """No request has the ID that was named."""

    def __init__(self, request_id: str | int) -> None:
        super().__init__(
            "unknown_request",
            f"There is no request {literal(str(request_id)[:20])}. "
            "`/credits pending` and `/credits history` list the requests with their IDs.",
        )


class UnreadableRequest(DomainError):
    """The row of a request holds what this version can't read: in `columns`."""

    def __init__(self, request_id: int, columns: Sequence[str]) -> None:
        super().__init__(
            f"Request {request_id} can't be read: creditbot does not understand what its database has for "
            f"{', '.join(map(literal, columns))}. Until that is fixed, nothing more is decided or sent for "
            "it. Tell whoever runs creditbot: another version may have written it, or the database is "
            "damaged. `creditbot audit verify` says what should be there."
        )
        self.id = request_id
        self.columns = tuple(columns)


class NotTaken(DomainError):
    """The database did not take it, or not in time, so nothing was written."""

    def __init__(self) -> None:
        super().__init__(
            "Not accepted: creditbot can't write to its database right now. Nothing was changed; try again "
            "in a minute."
        )


class NotAnswered(DomainError):
    """The database did not show what was looked for, or not in time."""

    def __init__(self) -> None:
        super().__init__(
            "creditbot's database does not answer right now. Nothing was changed; try again in a minute."
        )


class WrongLedgerKey(DomainError):
    """With its keys this process can't write to the ledger, and no later try of it will do better."""


class KeyMissing(WrongLedgerKey):
    """The ledger is keyed, and not with a key that this process has."""

    def __init__(self, fingerprint: str) -> None:
        super().__init__(
            "The ledger uses a key that this process does not have, so it can't record anything. Whoever "
            f"runs creditbot must set CREDITBOT_LEDGER_KEY to the key with the fingerprint {fingerprint} (a "
            "newer key goes first: NEW,OLD) and restart it."
        )


class OldKeyFirst(WrongLedgerKey):
    """The first key of this process is one that the ledger has left behind."""

    def __init__(self, first: str, last: str, place: int) -> None:
        super().__init__(
            f"The first key in CREDITBOT_LEDGER_KEY ({first}) is an old one, so this process can't record "
            "anything. Whoever runs creditbot must put the newest key first, as in NEW,OLD, and restart it: "
            f"the ledger now uses key number {place} ({last})."
        )


class UnfitDatabase(DomainError):
    """The database is not one that this creditbot works with; said before anything is changed."""

    def __init__(self, what: str) -> None:
        super().__init__(f"DATABASE_URL: {what}")


class MaybeTaken(DomainError):
    """The database went away while it was taking it, so nobody knows yet whether it was written."""

    def __init__(self) -> None:
        super().__init__(
            "creditbot lost its database at this very moment, so it is not known whether this was saved. "
            "Check `/credits pending` and `/credits history` before you try again."
        )
