"""Puts llamabar and a llama-swap service on a Mac, and takes them off: facts → plan → execute.

Standard library only. Nothing is printed and nothing is asked: what is found, planned and done is returned as values.
"""
