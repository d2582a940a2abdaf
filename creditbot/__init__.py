"""Ask for, approve and record credit changes of SendGrid subusers, in Slack."""
