"""A request as people see it: its card in a channel, and the notices about it.

Pure functions: from a request (and the policy, as it counts at this moment) to a message.
"""
