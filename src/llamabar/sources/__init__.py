"""Event sources: sockets, processes, clicks. They catch faults and turn them into events."""
