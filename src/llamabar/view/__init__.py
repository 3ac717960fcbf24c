"""From a snapshot to a menu, and from a menu to text: pure functions of values."""
