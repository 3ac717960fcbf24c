"""The dashboard of `watch`: pure functions from a scene to lines of styled text, and from keys to what they do."""
