"""The command line: results and errors become text, JSON and exit codes. No rules of its own."""
