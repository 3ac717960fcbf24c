"""Findings from collected facts: pure functions, no I/O."""
