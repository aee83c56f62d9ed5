"""Suites: which statistics, under which rules."""
