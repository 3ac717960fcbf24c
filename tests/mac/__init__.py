"""A Mac for tests: the programs of macOS that llamabar talks to, as real programs with their state in a folder.

    from tests.mac.machine import Mac        # the fixtures `mac` and `make_mac` are in tests/conftest.py

Law: it is written from the facts about macOS, never from what our own code happens to do.
"""
