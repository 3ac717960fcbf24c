"""The watcher's figures as Prometheus metrics over HTTP."""
