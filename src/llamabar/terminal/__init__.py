"""The dashboard of `watch`: pure functions from a scene to styled lines, and from keys to actions."""
