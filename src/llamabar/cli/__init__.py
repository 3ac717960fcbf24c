"""The command line: turns results and errors into text, JSON and exit codes. It has no rules of its own."""
