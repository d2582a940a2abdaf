"""An SQLite file with all tables and nothing in them, to be copied."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from creditbot.migrate import migrate


@cache
def migrated() -> Path:
    """Laid once in this process."""
    folder = Path(tempfile.mkdtemp(prefix="creditbot-"))
    atexit.register(shutil.rmtree, folder)
    path = folder / "creditbot.db"
    migrate(f"sqlite:///{path}")
    return path
