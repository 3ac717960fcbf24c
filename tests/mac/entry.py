"""The entry point of every program on this Mac: entry.py NAME STATE ARGUMENT… (without site, isolated)."""

import importlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
if sys.argv[1] == "launchd":
    importlib.import_module("tests.mac.launchd.daemon").main()
else:
    importlib.import_module("tests.mac.call").main(sys.argv[1], sys.argv[2], sys.argv[3:])
