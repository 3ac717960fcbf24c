"""LaunchAgent templates, valid property lists as they stand."""
