"""Makes docs/settings.md from the table of options: every setting."""

import json

from llamabar.settings.file import bracketed
from llamabar.settings.options import BY_TABLE, ENVIRONMENT, Option

_HEAD = """\
# Settings

No configuration needed: llamabar finds llama-swap on this computer by itself. Settings go into
`~/.config/llamabar/config.toml` (`llamabar open settings` creates it). `llamabar config` shows the effective settings
and their sources; `llamabar config --check` lists every mistake. Precedence: command line, environment, file,
discovery, default.
"""
_COLUMNS = "| setting | value | default | environment | since | what it does |\n|---|---|---|---|---|---|"


def page() -> str:
    """Return docs/settings.md."""
    parts = [_HEAD]
    for table, options in BY_TABLE.items():
        title = "Only in the environment" if table == ENVIRONMENT else bracketed(table)
        rows = [_row(option) for option in options.values()]
        parts += [f"## {title}\n", _COLUMNS, *rows, ""]
    return "\n".join(parts)


def _row(option: Option) -> str:
    default = "" if option.default in (None, "", ()) else f"`{json.dumps(option.default)}`"
    variables = " ".join(f"`{variable}`" for variable in option.variables)
    return f"| `{option.name}` | {option.type.expected} | {default} | {variables} | {option.since} | {option.says} |"
