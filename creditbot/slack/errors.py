"""What a failed call to Slack says, and what it means for whoever has called.

The tables of docs.slack.dev/reference/methods/NAME#errors, for the methods that are called here, as of August
2026; `tests/slack_errors.py` has them by method. What only concerns arguments that are never given (files,
attachments, metadata, streams, drafts, …) would be a fault of ours, as any malformed call is.
"""

from collections.abc import Mapping
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

from creditbot.jobs.messenger import Fault
from creditbot.network.proxy_errors import said_of_proxy

TROUBLE = (SlackClientError, aiohttp.ClientError, TimeoutError, OSError)
"""What a call to Slack raises when it does not work out."""

_SORTED: Mapping[Fault, str] = {
    Fault.PASSING: """
        accesslimited exchanged_trigger_id expired_trigger_id external_channel_migrating fatal_error
        hash_conflict internal_error invalid_trigger_id message_limit_exceeded rate_limited ratelimited
        request_timeout service_unavailable streaming_state_conflict team_added_to_org update_failed
    """,
    Fault.CHANNEL: """
        channel_is_limited_access channel_not_found is_archived is_inactive not_in_channel
        posting_to_channel_denied posting_to_general_channel_denied restricted_action
        restricted_action_non_threadable_channel restricted_action_read_only_channel
        restricted_action_thread_locked restricted_action_thread_only_channel
        slack_connect_canvas_sharing_blocked slack_connect_file_link_sharing_blocked
        slack_connect_lists_sharing_blocked team_not_found
    """,
    Fault.APP: """
        access_denied account_inactive app_access_restricted ekm_access_denied enterprise_is_restricted
        forbidden_team invalid_auth is_bot missing_scope no_permission no_such_subteam
        not_allowed_token_type not_authed org_login_required plan_upgrade_required subteam_disabled
        team_access_not_granted token_expired token_revoked two_factor_setup_required
    """,
    Fault.PERSON: """
        cannot_dm_bot messages_tab_disabled user_disabled user_not_found user_not_in_channel
        user_not_visible users_not_found
    """,
    Fault.GONE: "cant_update_message edit_window_closed message_not_found",
    Fault.OURS: """
        as_user_not_supported attachment_payload_limit_exceeded block_mismatch blocked_file_type
        cannot_reply_to_message cant_broadcast_message deprecated_endpoint draft_already_deleted
        draft_already_sent draft_has_conflict draft_not_found duplicate_channel_not_found
        duplicate_external_id duplicate_message_not_found file_deleted file_is_deleted file_not_found
        file_share_limit_reached insecure_request invalid_arg_name invalid_arguments invalid_array_arg
        invalid_attachments invalid_blocks invalid_blocks_format invalid_charset invalid_cursor
        invalid_form_data invalid_json invalid_metadata_format invalid_metadata_schema invalid_post_type
        json_not_object markdown_text_conflict max_file_sharing_exceeded
        metadata_must_be_sent_from_app metadata_too_large method_deprecated missing_args
        missing_file_data missing_post_type msg_blocks_too_long msg_too_long
        no_dual_broadcast_content_update no_text not_found send_on_behalf_not_allowed
        slack_connect_blocked_file_type slack_connect_clip_sharing_blocked
        slack_connect_file_upload_sharing_blocked too_many_attachments too_many_contact_cards
        too_many_users unable_to_share_files unknown_method upgrade_required view_too_large
    """,
}

FAULTS: Mapping[str, Fault] = {code: fault for fault, codes in _SORTED.items() for code in codes.split()}

UNKNOWN = Fault.APP
"""Of an error that Slack has added since. A person hears of it, and it is tried again, ever more seldom."""

IN_A_DIRECT_MESSAGE = frozenset({"channel_not_found", "is_archived", "is_inactive", "not_in_channel"})
"""What says of a direct message, whose channel nobody can choose, that this person can't be told."""


def fault_of(error: Exception) -> Fault:
    """What a failed call means: by Slack's own word or the HTTP status, if there was an answer at all."""
    if not isinstance(error, SlackApiError):
        return Fault.PASSING
    word, status = own_word(error), http_status(error)
    if word is not None:
        return FAULTS.get(word, UNKNOWN)
    refused = status is not None and 400 <= status < 500 and status not in {408, 425, 429}
    return UNKNOWN if refused else Fault.PASSING


def error_code(error: Exception) -> str:
    """Slack's own word for what went wrong, or the HTTP status, or what else there was."""
    if isinstance(error, SlackApiError):
        status = http_status(error)
        return own_word(error) or (f"HTTP {status}" if status else str(error))
    return said_of_proxy(error) or f"{type(error).__name__}: {error}"


def what_slack_said(error: Exception) -> str:
    """What came of asking, for people: Slack says CODE, or that it can't be reached."""
    if isinstance(error, SlackApiError) and own_word(error):
        return f"Slack says {error_code(error)}"
    if isinstance(error, TimeoutError):
        return "Slack did not answer in time"
    return f"Slack can't be reached ({error_code(error)})"


def own_word(error: SlackApiError) -> str | None:
    """Slack's own word for what went wrong; None if the answer was not Slack's, but a proxy's page."""
    data: Any = getattr(error.response, "data", None)
    word = data.get("error") if isinstance(data, dict) else None
    return word if isinstance(word, str) and word else None


def faults_of_blocks(error: SlackApiError) -> list[str]:
    """What Slack says of blocks that it refuses: what is wrong, and a pointer to it."""
    data: Any = getattr(error.response, "data", None)
    metadata = data.get("response_metadata") if isinstance(data, dict) else None
    said = metadata.get("messages") if isinstance(metadata, dict) else None
    return [fault for fault in said if isinstance(fault, str)] if isinstance(said, list) else []


def http_status(error: SlackApiError) -> int | None:
    response: Any = error.response
    found = getattr(response, "status_code", getattr(response, "status", None))
    return found if isinstance(found, int) else None


def retry_after(error: Exception) -> float | None:
    """The seconds that Slack asks to be left alone for, if it does."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    wait = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    try:
        return None if wait is None else float(wait)
    except ValueError:
        return None
