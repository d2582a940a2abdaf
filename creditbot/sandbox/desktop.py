"""Whether somebody sits before this machine who would like the page to be opened for them."""

import sys
from collections.abc import Mapping

AWAY = ("SSH_CONNECTION", "SSH_TTY", "CI")
"""Whoever has these set sits elsewhere, or nobody does."""


def is_there(environ: Mapping[str, str], platform: str = sys.platform) -> bool:
    """True on a Mac, on Windows and where a display is set, for somebody who is not logged in from afar."""
    if any(environ.get(name) for name in AWAY):
        return False
    return platform in {"darwin", "win32"} or any(environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY"))
