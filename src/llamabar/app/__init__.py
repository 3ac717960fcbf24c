"""Connect sources, core and view: the loop, the monitor, connections, actions and notifications."""
