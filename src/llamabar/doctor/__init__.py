"""Checks, what they look at, fixes and the report."""
