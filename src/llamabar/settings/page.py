"""Settings as text: the first settings file, and `config`. Both come from the table of options."""

from typing import Any, Iterator

from llamabar.core.text import printable
from llamabar.settings.file import bracketed
from llamabar.settings.load import ServerSettings, Settings, Sourced
from llamabar.settings.options import BY_TABLE, ENVIRONMENT, SERVER

_FIRST = "# llamabar's settings. Remove the # from what you want to set. `llamabar config` shows what is in effect.\n"


def first_settings() -> bytes:
    """Return the first settings file: every option, commented out."""
    lines = [_FIRST]
    for table, options in BY_TABLE.items():
        if table != ENVIRONMENT:
            lines.append(f"# {bracketed(table)}{'  # once more for each further server' * (table == SERVER)}")
            lines += [f"# {one.name} = {one.example}  # {one.says}" for one in options.values()]
            lines.append("")
    return "\n".join(lines).encode()


def config_lines(settings: Settings) -> Iterator[str]:
    """Yield the effective settings with their sources; for a secret, only whether it is set."""
    yield f"settings file    {settings.file or 'none'}"
    for server in settings.servers:
        yield bracketed(SERVER)
        for name, value in _server_rows(server):
            if value.value:
                yield _line(name, value)
    for table, options in BY_TABLE.items():
        found = {} if table == SERVER else {option.name: settings.options[option.key] for option in options.values()}
        if found and table != ENVIRONMENT:
            yield bracketed(table)
        for name, value in found.items():
            if table != ENVIRONMENT:
                yield _line(name, value)
            elif value.source != "default":
                yield f"{value.source} {_written(value.value)}"


def _server_rows(server: ServerSettings) -> Iterator["tuple[str, Sourced]"]:
    yield "name", Sourced(server.name, "")
    yield "url", Sourced(server.url or "none", server.url_from)
    yield "api_key", Sourced("set" if server.api_key else "none", server.key_from)
    yield "basic_auth", Sourced("set" if server.login else "", server.login_from)
    yield "ca_file", Sourced(server.ca_file, "file")
    yield "service", Sourced(server.service, "file")


def _line(name: str, value: Sourced) -> str:
    return f"  {name:<15}{_written(value.value)}" + (f" (from {value.source})" if value.source else "")


def _written(value: Any) -> str:
    if isinstance(value, tuple) and value and isinstance(value[0], int):
        return " to ".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in value)
    if isinstance(value, (list, tuple)):
        return ", ".join(value) or "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f"{value:g}" if isinstance(value, float) else getattr(value, "url", str(value or "none"))
    return printable(text)
