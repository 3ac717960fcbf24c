"""The same figures for Prometheus: what the watcher knows, as metrics, over HTTP."""
