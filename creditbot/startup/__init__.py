"""What a process does once, before it works and when it is up."""
