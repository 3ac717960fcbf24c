"""This Mac: paths, files, launchctl, LaunchAgents, SwiftBar. Standard library only."""
