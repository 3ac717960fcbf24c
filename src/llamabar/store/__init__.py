"""Data stored on disk between runs."""
