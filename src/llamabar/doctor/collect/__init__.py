"""Collects the facts for the checks, side by side and bounded in time."""
