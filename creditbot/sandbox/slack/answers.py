"""What the workspace does with the answers of a bot: with acks, and with what it posts to a response URL."""

from .limits import check_message, check_view
from .model import Delivery, Json, Message, Refusal, View
from .tickets import AnswerUrl
from .workspace import Workspace


class Answers:
    """Turns answers into messages and views."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def to_command(self, delivery: Delivery) -> None:
        """The ack of a slash command may hold a message. https://docs.slack.dev/interactivity/implementing-slash-commands#responding_to_commands"""
        payload, body = delivery.payload, delivery.body or {}
        error = delivery.error
        if error is None and (body.get("text") or body.get("blocks")):
            try:
                check_message(body.get("text"), body.get("blocks"), self._workspace.lacking)
            except Refusal as refusal:
                error = refusal.error
            else:
                self._post(body, payload["user_id"], payload["channel_id"])
        if error is not None:
            notice = f'{payload["command"]} failed with the error "{error}"'
            self._post({"text": notice}, payload["user_id"], payload["channel_id"])

    def to_click(self, delivery: Delivery, on: Message | View | None) -> None:
        """The ack of a click says nothing; a missing one is shown beside the button."""
        if on is not None and on.trouble != delivery.error:
            on.trouble = delivery.error
            self._workspace.changed("click_failed" if on.trouble else "click_worked", on)

    def to_submission(self, delivery: Delivery, view: View) -> None:
        """The ack of a modal decides what becomes of it. https://docs.slack.dev/surfaces/modals#updating_response"""
        view.errors = {}
        view.trouble = delivery.error
        if delivery.error is None and view.open:
            try:
                self._act_on(view, delivery.body or {})
            except Refusal as refusal:
                view.trouble = refusal.error
        self._workspace.changed("view_answered", view)

    def _act_on(self, view: View, body: Json) -> None:
        match body.get("response_action"):
            case None:
                self._workspace.close_modal(view)
            case "clear":
                self._workspace.close_all(view.user)
            case "errors":
                view.errors = self._errors(view, body.get("errors"))
            case "update":
                check_view(body.get("view"))
                self._workspace.update_view(view, body["view"])
            case "push":
                check_view(body.get("view"))
                self._workspace.open_modal(view.user, body["view"], on_top_of=view)
            case other:
                raise Refusal(f"unknown response_action {other!r}")

    def _errors(self, view: View, errors: object) -> dict[str, str]:
        inputs = {block["block_id"] for block in view.view["blocks"] if block["type"] == "input"}
        if not isinstance(errors, dict) or not errors or not errors.keys() <= inputs:
            raise Refusal("errors that name no input block of the view")
        return {str(block_id): str(text) for block_id, text in errors.items()}

    def to_url(self, url: AnswerUrl, body: Json) -> None:
        """What was posted to a response URL. https://docs.slack.dev/interactivity/handling-user-interaction#message_responses

        A slash command has no original, so there `replace_original` posts anew, as in Slack.
        """
        original = url.original if url.original and not url.original.deleted else None
        if body.get("delete_original"):
            if original:
                self._workspace.delete(original)
            return
        check_message(body.get("text"), body.get("blocks"), self._workspace.lacking)
        if body.get("replace_original") and original:
            # Who sees a message is settled when it is posted, so `response_type` counts for nothing here.
            self._workspace.edit(original, text=body.get("text") or "", blocks=body.get("blocks") or [])
        else:
            self._post(body, url.user, url.channel)

    def _post(self, body: Json, user: str, channel: str) -> None:
        in_channel = body.get("response_type") == "in_channel"
        self._workspace.post(
            channel,
            self._workspace.bot_user_id,
            text=body.get("text") or "",
            blocks=body.get("blocks") or [],
            visible_to=None if in_channel else user,
            thread_ts=body.get("thread_ts"),
        )
