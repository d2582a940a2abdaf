"""The sandbox in a browser: Slack's side, SendGrid's side and the SQL record, on one page.

It acts through `SlackSandbox` as people do in Slack, so the bot gets what Slack would send, and no more.
"""

from .server import PageServer
from .sights import Cast

__all__ = ["Cast", "PageServer"]
