"""How much a process keeps, by looking at whatever its objects lead to."""

import asyncio
import gc
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from functools import _lru_cache_wrapper
from types import FunctionType, ModuleType

OURS = "creditbot."

CONTAINERS = (dict, list, set, deque)

ELSEWHERE = (type, ModuleType, asyncio.AbstractEventLoop)
"""What leads to the whole machine."""

STAND_INS = ("creditbot.sandbox", "tests.", "_pytest")
"""Modules of what is no part of the process in earnest, and keeps all that it is told."""

Found = tuple[str, object]


def kept(by: object) -> Counter[str]:
    """How many things are in the containers of our own objects, and of our modules.

    By module, class and attribute: all that is in one of an attribute's containers, and in those within it.
    """
    sizes: Counter[str] = Counter()
    known = set(map(id, ELSEWHERE))
    todo = [("", by), *_of_modules()]
    while todo:
        where, found = todo.pop()
        if id(found) in known or isinstance(found, ELSEWHERE) or type(found).__module__.startswith(STAND_INS):
            continue
        known.add(id(found))
        if isinstance(found, CONTAINERS):
            sizes[where] += len(found)
        elif isinstance(found, _lru_cache_wrapper):
            sizes[where] += found.cache_info().currsize
        todo += _parts(where, found)
    return Counter({where: size for where, size in sizes.items() if where.startswith(OURS)})


def _of_modules() -> Iterator[Found]:
    for name, module in list(sys.modules.items()):
        if name.startswith(OURS) and not name.startswith(STAND_INS):
            for attribute, found in vars(module).items():
                if isinstance(found, (*CONTAINERS, _lru_cache_wrapper)) and not attribute.startswith("__"):
                    yield f"{name}.{attribute}", found


def _parts(where: str, found: object) -> Iterable[Found]:
    if isinstance(found, CONTAINERS):
        return ((where, each) for each in gc.get_referents(found))
    if isinstance(found, _lru_cache_wrapper):
        return ()
    if isinstance(found, FunctionType):  # its globals are its module's
        return (("", each) for each in found.__closure__ or ())
    kind = f"{type(found).__module__}.{type(found).__qualname__}"
    if kind.startswith(OURS):
        return ((f"{kind}.{name}", each) for name, each in _attributes(found))
    return (("", each) for each in gc.get_referents(found))


def _attributes(found: object) -> Iterator[Found]:
    yield from getattr(found, "__dict__", {}).items()
    for kind in type(found).__mro__:
        for name in vars(kind).get("__slots__", ()):
            if hasattr(found, name):
                yield name, getattr(found, name)
