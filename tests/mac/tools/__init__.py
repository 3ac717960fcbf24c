"""The programs on this Mac's PATH, one module each, with `run(call) -> exit code`."""
