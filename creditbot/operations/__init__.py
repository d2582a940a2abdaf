"""One async function for each thing that a person can ask or decide.

Asking and deciding commit before they return, so that what a person sees accepted survives any crash.
"""

from .asking import Requests
from .deciding import Decisions
from .reading import BalanceReport, Reading

__all__ = ["BalanceReport", "Decisions", "Reading", "Requests"]
