"""People and user groups as a policy lists them, and who is in those groups as far as Slack says."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


def is_person(text: str) -> bool:
    """True for what looks like a person's ID."""
    return re.fullmatch(r"[UW][A-Za-z0-9_-]+", text) is not None


def is_group(identifier: str) -> bool:
    """True for the ID of a user group; people's begin with U or W."""
    return identifier.startswith("S")


@dataclass(frozen=True, slots=True)
class Actor:
    """A person who does something, by their ID.

    `elsewhere` is the workspace that they belong to if it is another one than this: Slack Connect brings
    people of other organisations into shared channels.
    """

    id: str
    elsewhere: str | None = None


@dataclass(frozen=True, slots=True)
class Who:
    """People and user groups by their IDs, and whether it is `anyone` of this workspace.

    Nobody is in an empty list; `anyone` has to be said.
    """

    ids: frozenset[str] = frozenset()
    anyone: bool = False

    @classmethod
    def of(cls, identifiers: Iterable[str]) -> "Who":
        return cls(frozenset(identifiers))

    @property
    def people(self) -> frozenset[str]:
        return frozenset(identifier for identifier in self.ids if not is_group(identifier))

    @property
    def groups(self) -> frozenset[str]:
        return frozenset(identifier for identifier in self.ids if is_group(identifier))

    @property
    def nobody(self) -> bool:
        return not self.ids and not self.anyone

    def listed(self, *, without: Iterable[str] = ()) -> list[str]:
        """The people, then the groups, but for those `without` whom it is said."""
        left_out = frozenset(without)
        return [*sorted(self.people - left_out), *sorted(self.groups)]

    def __or__(self, other: "Who") -> "Who":
        return Who(self.ids | other.ids, self.anyone or other.anyone)


NOBODY = Who()
ANYONE = Who(anyone=True)


@dataclass(frozen=True, slots=True)
class Roster:
    """The members of the user groups that were asked for; a group that could not be read has none."""

    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()

    def everyone(self, who: Who) -> frozenset[str]:
        """Each person who is listed by name or through a group that could be read."""
        return who.people.union(*(self.members.get(group, frozenset()) for group in who.groups))

    def has(self, who: Who, person: str) -> bool:
        """Whether someone of this workspace is meant."""
        return self.means(who, Actor(person))

    def means(self, who: Who, actor: Actor) -> bool:
        """Whether this person is meant: "anyone" is anyone of this workspace, a list is whoever is on it."""
        return (who.anyone and actor.elsewhere is None) or actor.id in self.everyone(who)

    def unread(self, who: Who) -> frozenset[str]:
        """The groups of `who` whose members are not known now."""
        return who.groups & self.unreadable


class Directory(Protocol):
    """Who is in the user groups that the policy names, as Slack says at this moment."""

    async def __call__(self, who: Who | None = None) -> Roster:
        """The groups of `who`, or all; of a group that was not asked for, the members are not known."""
