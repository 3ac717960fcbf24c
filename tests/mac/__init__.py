"""A Mac for tests: the programs of macOS that llamabar talks to, as real programs with their state in a folder.

The fixtures `mac` and `make_mac(**options)` are in tests/conftest.py; what a Mac can is in machine.py (commands, calls,
faults, login), belongings.py (agents, attributes, defaults, llama-swap, SwiftBar) and options.py; asking.py has short
ways to load a job and look at it. launchd/ is the process that supervises, tools/ are the programs on PATH.

Law: it is written from the facts about macOS, never from what our own code happens to do.
"""
