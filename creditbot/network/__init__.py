"""Proxies, which connections to Slack and to SendGrid go through."""
