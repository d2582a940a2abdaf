"""A campaign of faults against the running bot: `python -m tests.campaign --help`."""
