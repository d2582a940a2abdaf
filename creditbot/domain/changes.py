"""A change of a subuser's credits: what is asked for, decided and sent."""

from dataclasses import dataclass

from .amounts import MAX_AMOUNT
from .markup import literal
from .text import credits_


def subuser_key(subuser: str) -> str:
    """What two spellings of a subuser's name have in common.

    Whether upper and lower case count for SendGrid is not documented; a name in another case must not slip
    past a rule, nor past a change that is under way.
    """
    return subuser.casefold()


def possible(allocation_update: int) -> bool:
    """Whether so many credits can be asked for, more or fewer."""
    return 0 < abs(allocation_update) <= MAX_AMOUNT


@dataclass(frozen=True, slots=True)
class Change:
    """So many credits more for a subuser, or fewer if `allocation_update` is negative, as the PATCH takes it.

    Raises:
        ValueError: it changes nothing, or more than anyone can ask for.
    """

    subuser: str
    allocation_update: int

    def __post_init__(self) -> None:
        if not possible(self.allocation_update):
            raise ValueError(f"nobody can ask for {self.allocation_update} credits")

    @property
    def amount(self) -> int:
        """How many credits, either way."""
        return abs(self.allocation_update)

    @property
    def key(self) -> str:
        """Whose it is, however the name was typed."""
        return subuser_key(self.subuser)

    def words(self) -> str:
        """+5,000 credits for `acme`, in a sentence."""
        return f"{credits_(self.allocation_update)} for {literal(self.subuser)}"

    def __str__(self) -> str:
        """+5,000 credits for acme, in plain text."""
        return f"{credits_(self.allocation_update)} for {self.subuser}"
