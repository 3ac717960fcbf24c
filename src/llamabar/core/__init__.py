"""Values and pure functions: no clock, no I/O, no thread. The time is an argument."""
