"""The rules: plain functions of plain values, with no clock, network or database."""
