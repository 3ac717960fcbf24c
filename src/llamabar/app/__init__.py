"""The loop, the monitor, connections, actions and notifications: what wires sources, core and view together."""
