"""What creditbot's API key must be allowed to do, in SendGrid's names."""

SCOPE_BALANCE = "user.credits.read"
SCOPE_LIST = "subusers.read"
SCOPE_CREDITS = "subusers.credits.read"
SCOPE_UPDATE = "subusers.credits.remaining.update"

SCOPES = (SCOPE_BALANCE, SCOPE_LIST, SCOPE_CREDITS, SCOPE_UPDATE)
"""All that creditbot needs."""
