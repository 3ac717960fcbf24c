"""The files that a user finds written for them the first time: a llama-swap config to fill in, a settings entry."""

import json

LLAMA_SWAP_CONFIG = b"""\
# llama-swap's config, with an example to fill in.
# All keys: https://github.com/mostlygeek/llama-swap/wiki/Configuration
# After a change: llamabar.pyz restart

healthCheckTimeout: 120
startPort: 5800

models: {}

# For a first model take the line `models: {}` away and the # from these, and put your own file in:
#
# models:
#   my-model:
#     cmd: llama-server --port ${PORT} -m /Users/me/models/my-model.gguf
#     ttl: 600        # unload ten minutes after the last request; 0 keeps it loaded
"""


def server_table(url: str, label: str, *, new: bool) -> bytes:
    """Return a `[[server]]` table of the settings file."""
    head = "# llamabar's settings. To see what counts: llamabar config\n\n" if new else "\n"
    service = f"service = {json.dumps(label)}\n" if label else ""  # what JSON escapes, TOML reads alike
    return f"{head}[[server]]\nurl = {json.dumps(url)}\n{service}".encode()
