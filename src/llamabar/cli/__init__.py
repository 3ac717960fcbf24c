"""The command line: click commands that turn results and errors into text, JSON and exit codes. No rules of their own."""
