"""A menu-bar monitor and controller of llama-swap."""

__version__ = "0.1.0"
