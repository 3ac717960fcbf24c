"""The sections of the menu, in the order in which they stand."""
