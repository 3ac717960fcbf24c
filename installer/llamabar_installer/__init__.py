"""Installs llamabar and a llama-swap service on a Mac, and removes them: facts → plan → execute.

Standard library only. Nothing is printed and nothing is asked: findings, plans and results are returned as values.
"""
