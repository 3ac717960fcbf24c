"""Turns a snapshot into a menu, and a menu into text: pure functions of values."""
