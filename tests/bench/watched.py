"""The bot, which tells what it keeps in memory whenever it gets SIGUSR1.

`python -m tests.bench.watched serve` is `creditbot serve`, and writes the number of blocks that Python has
allocated to a file in the folder in which it runs.
"""

import gc
import os
import signal
import sys
from pathlib import Path

from creditbot.cli import main


def blocks_file(folder: Path, pid: int) -> Path:
    return folder / f"blocks-{pid}"


def tell(*_: object) -> None:
    gc.collect()
    path = blocks_file(Path.cwd(), os.getpid())
    beside = path.with_suffix(".new")
    beside.write_text(str(sys.getallocatedblocks()))
    beside.rename(path)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, tell)
    main()
