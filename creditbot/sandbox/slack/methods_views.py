"""The views.* methods. https://docs.slack.dev/reference/methods/views.open and its neighbours."""

from .arguments import required
from .limits import check_view
from .limits_blocks import HOME, MODAL
from .model import Json, Refusal, View
from .payloads import Payloads
from .tickets import Tickets
from .workspace import Workspace


class Views:
    """Modals and the Home tab."""

    def __init__(self, workspace: Workspace, payloads: Payloads, tickets: Tickets) -> None:
        self._workspace = workspace
        self._payloads = payloads
        self._tickets = tickets

    def open(self, args: Json) -> Json:
        """Show a modal to the person behind a trigger."""
        return self._show(args, pushed=False)

    def push(self, args: Json) -> Json:
        """Show a modal on top of the one in which the person acted. https://docs.slack.dev/reference/methods/views.push"""
        return self._show(args, pushed=True)

    def update(self, args: Json) -> Json:
        """Replace what a view shows. https://docs.slack.dev/reference/methods/views.update"""
        check_view(args.get("view"), frozenset({MODAL, HOME}), self._workspace.lacking)
        view = self._existing(args)
        if args.get("hash") and args["hash"] != view.hash:
            raise Refusal("hash_conflict")
        self._workspace.update_view(view, args["view"])
        return {"view": self._payloads.view(view)}

    def publish(self, args: Json) -> Json:
        """Show this in the Home tab of a person. https://docs.slack.dev/reference/methods/views.publish"""
        [user] = required(args, "user_id")
        if user not in self._workspace.people:
            raise Refusal("user_not_found")
        check_view(args.get("view"), frozenset({HOME}), self._workspace.lacking)
        home = self._workspace.homes.get(user)
        if home is not None and args.get("hash") and args["hash"] != home.hash:
            raise Refusal("hash_conflict")
        return {"view": self._payloads.view(self._workspace.publish_home(user, args["view"]))}

    def _show(self, args: Json, *, pushed: bool) -> Json:
        [trigger_id] = required(args, "trigger_id")
        check_view(args.get("view"))
        trigger = self._tickets.good_trigger(trigger_id)
        below = trigger.view if pushed and trigger.view and trigger.view.open else None
        if pushed and below is None:
            raise Refusal("not_found")
        view = self._workspace.open_modal(trigger.user, args["view"], on_top_of=below)
        trigger.exchanged = True
        return {"view": self._payloads.view(view)}

    def _existing(self, args: Json) -> View:
        view_id, external_id = args.get("view_id"), args.get("external_id")
        if not view_id and not external_id:
            raise Refusal("invalid_arguments", ["missing required field: view_id"])
        for view in self._workspace.views.values():
            if view.open and (
                view.id == view_id or (external_id and view.view.get("external_id") == external_id)
            ):
                return view
        raise Refusal("not_found")
