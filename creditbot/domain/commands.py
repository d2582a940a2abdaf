"""What people ask for by a command or a form, as typed values."""

from dataclasses import dataclass

from .changes import Change


@dataclass(frozen=True, slots=True)
class ShowBalance:
    """`on_behalf_of` is the header's value: a subuser's name, `account-id N`, or None for the parent."""

    on_behalf_of: str | None

    @property
    def is_subuser(self) -> bool:
        return self.on_behalf_of is not None and not self.on_behalf_of.startswith("account-id ")


@dataclass(frozen=True, slots=True)
class Ask:
    """A whole request."""

    change: Change
    reason: str


@dataclass(frozen=True, slots=True)
class OpenForm:
    """Something is missing: open the form with what was given, as it was typed."""

    direction: str = "add"
    subuser: str = ""
    amount: str = ""
    reason: str = ""
