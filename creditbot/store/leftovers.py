"""A restored SQLite file beside the write-ahead log of the one that it replaced.

SQLite would take that log for the restored file's own, and write its pages over it: the backup is then
without effect, or the file is malformed. Nothing in either file says that they don't belong together, but
their times do: what a log holds beyond its file was written after the file was.

sqlite.org/fileformat2.html#the_write_ahead_log
"""

import struct
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import make_url

from creditbot.domain.errors import UnfitDatabase

from .engines import is_postgres

MAGIC = (0x377F0682, 0x377F0683)
HEADER, FRAME = 32, 24
"""Bytes of the log's header, and of the one before each page."""

CHECKPOINTED, ATTEMPTED = 96, 128
"""Where the index (`-shm`) says how much of the log a checkpoint has put into the file, or may have."""

MARGIN, UNTOUCHED = 10.0, 1.0
"""Seconds by which a file may be newer than its log, which a checkpoint puts into the file: if one was begun,
and if none was."""


def check_log(url: str) -> None:
    """Look before the database is opened.

    Raises:
        UnfitDatabase: the file was replaced, and its predecessor's log was left beside it.
    """
    if is_postgres(url):
        return
    path = Path(make_url(url).database or "")
    log = path.with_name(f"{path.name}-wal")
    try:
        if not (_is_newer(path, log) and _holds_more(log, path)):
            return
    except OSError:  # one of them is not there; or it can't be read, which SQLite will say
        return
    raise UnfitDatabase(
        f"{path} was replaced, or changed by hand, after {log.name} beside it was written, so they do not "
        f"belong together. If you have restored a backup, delete {log.name} and {path.name}-shm, and try "
        f"again. If you have not, run `touch {log}`, which keeps its contents, and try again."
    )


def _is_newer(path: Path, log: Path) -> bool:
    """By when it was written, or by when it came here: `mv` and `cp -p` keep the former."""
    its, logs = path.stat(), log.stat()
    margin = UNTOUCHED if _is_untouched(path.with_name(f"{path.name}-shm")) else MARGIN
    return its.st_mtime > logs.st_mtime + margin or its.st_ctime > logs.st_ctime + margin


def _is_untouched(index: Path) -> bool:
    """Whether no checkpoint has put anything of the log into the file."""
    try:
        with index.open("rb") as laid:
            head = laid.read(ATTEMPTED + 4)
    except OSError:
        return False
    return len(head) == ATTEMPTED + 4 and not any(
        head[at : at + 4].strip(b"\0") for at in (CHECKPOINTED, ATTEMPTED)
    )


def _holds_more(log: Path, path: Path) -> bool:
    """Whether a committed page in the log is not in the file as well."""
    with log.open("rb") as written, path.open("rb") as file:
        head = written.read(HEADER)
        if len(head) < HEADER or struct.unpack(">I", head[:4])[0] not in MAGIC:
            return False
        (size,) = struct.unpack(">I", head[8:12])
        for number, offset in _committed(written, size, salts=head[16:24]).items():
            written.seek(offset)
            file.seek((number - 1) * size)
            if written.read(size) != file.read(size):
                return True
    return False


def _committed(log: BinaryIO, size: int, *, salts: bytes) -> dict[int, int]:
    """The newest committed content of each page: its number, and where it begins in the log."""
    found: dict[int, int] = {}
    since: dict[int, int] = {}
    offset = HEADER
    while True:
        log.seek(offset)
        head = log.read(FRAME)
        if len(head) < FRAME or head[8:16] != salts:
            return found
        number, ends = struct.unpack(">II", head[:8])
        since[number] = offset + FRAME
        if ends:
            found |= since
            since = {}
        offset += FRAME + size
