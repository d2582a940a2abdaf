"""SendGrid: its answers read, its names, and the client that calls it."""
