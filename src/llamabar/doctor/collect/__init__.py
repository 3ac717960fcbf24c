"""Collects the facts for the checks, in parallel and within a time limit."""
