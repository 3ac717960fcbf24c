"""A simulated Mac: the macOS programs that llamabar talks to, as real programs with their state in a folder.

The fixtures `mac` and `make_mac(**options)` are in tests/conftest.py. What a Mac can do is in machine.py (commands,
calls, faults, login), belongings.py (agents, attributes, defaults, llama-swap, SwiftBar) and options.py; asking.py has
shortcuts for loading and inspecting a job. launchd/ is the supervising process, tools/ are the programs on PATH.

Law: it is written from the facts about macOS, never from what our own code happens to do.
"""
