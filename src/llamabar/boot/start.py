"""What the header runs, after checking that the last line is there."""

import os
import sys

if os.environ.get("LLAMABAR_REPAIRED"):
    sys.dont_write_bytecode, sys.pycache_prefix = True, os.devnull  # a full disk leaves truncated bytecode
sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
try:
    from llamabar.boot.launch import start
except Exception:
    if os.environ.get("LLAMABAR_REPAIRED"):
        raise
    os.environ["LLAMABAR_REPAIRED"] = "1"
    os.execv(sys.executable, [sys.executable, "-I", os.environ["LLAMABAR_FILE"]] + sys.argv[1:])
start()
