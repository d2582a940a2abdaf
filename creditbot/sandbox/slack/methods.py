"""The Web API methods that the sandbox knows, and the scope that each needs."""

from collections.abc import Callable

from .methods_chat import Chat
from .methods_directory import Directory
from .methods_views import Views
from .payloads import Payloads
from .tickets import Tickets
from .web_api import Method
from .workspace import Workspace


def all_methods(
    workspace: Workspace, payloads: Payloads, tickets: Tickets, new_socket_url: Callable[[], str]
) -> dict[str, Method]:
    """Every method by its name; `new_socket_url` gives the address for one Socket Mode connection."""
    chat = Chat(workspace, payloads)
    views = Views(workspace, payloads, tickets)
    directory = Directory(workspace)
    return {
        "api.test": Method(lambda args: {"args": args}),
        "auth.test": Method(directory.auth_test),
        "apps.connections.open": Method(lambda _: {"url": new_socket_url()}, by_app=True),
        "chat.postMessage": Method(chat.post_message, "chat:write"),
        "chat.postEphemeral": Method(chat.post_ephemeral, "chat:write"),
        "chat.update": Method(chat.update, "chat:write"),
        "chat.delete": Method(chat.delete, "chat:write"),
        "chat.getPermalink": Method(chat.get_permalink),
        "views.open": Method(views.open),
        "views.push": Method(views.push),
        "views.update": Method(views.update),
        "views.publish": Method(views.publish),
        "users.info": Method(directory.user_info, "users:read"),
        "usergroups.list": Method(directory.user_groups, "usergroups:read"),
        "usergroups.users.list": Method(directory.user_group_members, "usergroups:read"),
        "conversations.info": Method(directory.conversation_info, "channels:read"),
        "conversations.members": Method(directory.conversation_members, "channels:read"),
        "conversations.open": Method(directory.open_conversation, "im:write"),
    }
