"""Finds out the facts that the doctor judges: side by side, each bounded in time, each with its source."""
