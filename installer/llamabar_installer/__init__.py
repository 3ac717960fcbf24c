"""Puts llamabar and a llama-swap service on a Mac, and takes them off. Standard library only; nothing is printed."""
