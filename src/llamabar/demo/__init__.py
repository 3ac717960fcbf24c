"""A self-contained llama-swap: real HTTP and server-sent events on loopback, made-up models with real processes."""
