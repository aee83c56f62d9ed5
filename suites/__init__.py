"""Suites: which metrics, over which groups, under which rules. A suite is a function from answers and settings to findings."""
