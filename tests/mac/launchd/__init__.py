"""launchd: one process that supervises real children and answers launchctl over a socket."""
