"""The command line: a module for each group of commands.

Commands import what they need when they run, so that `--help` is quick.
"""

from .main import main

__all__ = ["main"]
