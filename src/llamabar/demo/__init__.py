"""A llama-swap that needs nothing: real HTTP and server-sent events on loopback, made-up models with real processes."""
