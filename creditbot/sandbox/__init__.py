"""A Slack workspace and a SendGrid on this machine, for trying the bot and for testing it."""
