"""Checks, the facts they use, fixes and the report."""
