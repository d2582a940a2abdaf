"""The errors that Slack documents for each method that creditbot calls, as of August 2026.

docs.slack.dev/reference/methods/NAME#errors
"""

from collections.abc import Mapping

_OF_ALL = """
    access_denied accesslimited account_inactive deprecated_endpoint ekm_access_denied
    enterprise_is_restricted fatal_error invalid_arg_name invalid_arguments invalid_array_arg invalid_auth
    invalid_charset invalid_form_data invalid_post_type internal_error is_bot method_deprecated
    missing_post_type missing_scope no_permission not_allowed_token_type not_authed org_login_required
    ratelimited request_timeout service_unavailable team_access_not_granted team_added_to_org token_expired
    token_revoked two_factor_setup_required unknown_method
"""

_OF_ONE = {
    "chat.postMessage": """
        app_access_restricted as_user_not_supported attachment_payload_limit_exceeded
        cannot_reply_to_message channel_not_found draft_already_deleted draft_already_sent
        draft_has_conflict draft_not_found duplicate_channel_not_found duplicate_message_not_found
        invalid_blocks invalid_blocks_format invalid_metadata_format invalid_metadata_schema is_archived
        markdown_text_conflict message_limit_exceeded messages_tab_disabled
        metadata_must_be_sent_from_app metadata_too_large missing_file_data msg_blocks_too_long
        msg_too_long no_text not_in_channel rate_limited restricted_action
        restricted_action_non_threadable_channel restricted_action_read_only_channel
        restricted_action_thread_locked restricted_action_thread_only_channel send_on_behalf_not_allowed
        slack_connect_canvas_sharing_blocked slack_connect_file_link_sharing_blocked
        slack_connect_lists_sharing_blocked team_not_found too_many_attachments too_many_contact_cards
        cannot_dm_bot user_disabled user_not_found user_not_visible users_not_found
    """,
    "chat.update": """
        as_user_not_supported block_mismatch blocked_file_type cant_broadcast_message
        cant_update_message channel_not_found edit_window_closed external_channel_migrating file_deleted
        file_is_deleted file_not_found file_share_limit_reached invalid_attachments invalid_blocks
        invalid_blocks_format invalid_metadata_format invalid_metadata_schema is_inactive
        markdown_text_conflict max_file_sharing_exceeded message_limit_exceeded message_not_found
        metadata_must_be_sent_from_app metadata_too_large msg_too_long
        no_dual_broadcast_content_update no_text posting_to_channel_denied
        slack_connect_blocked_file_type slack_connect_canvas_sharing_blocked
        slack_connect_clip_sharing_blocked slack_connect_file_link_sharing_blocked
        slack_connect_file_upload_sharing_blocked streaming_state_conflict team_not_found
        too_many_attachments unable_to_share_files update_failed
    """,
    "chat.postEphemeral": """
        cannot_reply_to_message channel_not_found invalid_attachments invalid_blocks invalid_blocks_format
        is_archived markdown_text_conflict message_limit_exceeded messages_tab_disabled msg_too_long
        no_text not_in_channel restricted_action too_many_attachments user_not_in_channel
    """,
    "views.open": """
        duplicate_external_id exchanged_trigger_id expired_trigger_id invalid_trigger_id view_too_large
    """,
    "usergroups.users.list": "invalid_cursor no_such_subteam plan_upgrade_required subteam_disabled",
    "users.info": "too_many_users user_not_found user_not_visible users_not_found",
    "auth.test": "",
    "apps.connections.open": "forbidden_team insecure_request missing_args",
    "conversations.info": "channel_is_limited_access channel_not_found",
    "chat.getPermalink": "channel_not_found message_not_found",
}

DOCUMENTED: Mapping[str, frozenset[str]] = {
    method: frozenset(_OF_ALL.split()) | frozenset(codes.split()) for method, codes in _OF_ONE.items()
}
"""By method; chat.postMessage has those of conversations.open, since it opens a direct message, too."""
