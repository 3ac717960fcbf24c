"""Where events come from: sockets, processes, clicks. Faults are caught here and become events."""
