"""A Slack workspace on this machine, which behaves towards a bot as the real one does.

It serves the demo and the acceptance tests: a bot connects to it by Socket Mode or takes its signed HTTP
requests, and a test or a browser acts for the people in it. It knows nothing of the bot.
"""

from .faults import SlackFaults
from .model import ApiCall, Channel, Delivery, Message, MessageVersion, Person, Refusal, UserGroup, View
from .server import SlackSandbox
from .workspace import Change, Workspace

__all__ = [
    "ApiCall",
    "Change",
    "Channel",
    "Delivery",
    "Message",
    "MessageVersion",
    "Person",
    "Refusal",
    "SlackFaults",
    "SlackSandbox",
    "UserGroup",
    "View",
    "Workspace",
]
