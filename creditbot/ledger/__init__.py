"""The ledger for an auditor: verified, and exported."""
