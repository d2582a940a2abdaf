"""`make bench`: how fast the bot is beside a bare Bolt app, and how that changes as its record grows."""
