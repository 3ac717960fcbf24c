"""The sections of the menu."""
