"""Who wakes the jobs. The tables say what is due; a runner only sees to it that someone looks."""

from .embedded import EmbeddedRunner

__all__ = ["EmbeddedRunner"]
