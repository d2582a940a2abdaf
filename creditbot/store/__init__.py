"""The tables, and one module for each thing kept in them. The tables are the truth."""
