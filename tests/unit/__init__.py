"""The rules and the words, without network, database or clock."""
