"""What the modules of a package declare, so that an addition is a module and nothing else is told of it."""

import pkgutil
from collections.abc import Iterable
from importlib import import_module
from typing import Any, TypeVar

T = TypeVar("T")


def declared(package: str, path: Iterable[str], name: str) -> list[Any]:
    """What has this name in each module of a package, by the modules' names; not all of them have it."""
    modules = [import_module(f"{package}.{found.name}") for found in pkgutil.iter_modules(path)]
    return [getattr(module, name) for module in modules if hasattr(module, name)]


def named(found: Iterable[tuple[str, T]]) -> dict[str, T]:
    """What was declared, by its names.

    Raises:
        ValueError: two have the same one, so that one would stand in the other's place.
    """
    by_name: dict[str, T] = {}
    for name, one in found:
        if name in by_name:
            raise ValueError(f"two are named {name}")
        by_name[name] = one
    return by_name
