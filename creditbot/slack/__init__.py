"""Everything that knows Slack: payloads come in here, cards and sentences go out."""
