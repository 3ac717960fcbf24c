"""Every setting, one row each. The file, its mistakes, `config` and docs/settings.md are made from this table.

A row has the table and name, the type with its range or choices, the default, one sentence, an example, the environment
variables (the Rust plugin's among them), and the version it appeared in. To add a setting, add a row.
"""

import math
import re
from typing import Any, Callable, Dict, Match, NamedTuple, Optional, Tuple

from llamabar.core import address
from llamabar.core.notify_options import EVENTS

SERVER, ENVIRONMENT = "server", ""  # the table that may occur several times; the key for environment-only settings
URL, KEY = "LLAMABAR_URL", "LLAMABAR_API_KEY"
RUST_URL, RUST_PORT = "LLAMA_SWAP_API_BASE_URL", "LLAMA_SWAP_API_PORT"
LOG_FILE, CONFIG_FILE = "LLAMA_SWAP_LOG_FILE_PATH", "LLAMA_SWAP_CONFIG_FILE_PATH"
_MENU_KEY = r"((CMD|OPTION|CTRL|CONTROL|SHIFT)\+){1,4}[A-Z0-9]|"
_TIME = "([01]?[0-9]|2[0-3]):([0-5][0-9])"
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")  # environment values are text: ASCII digits


class Type(NamedTuple):
    """A type: what is expected, in words, and a function that returns the parsed value, or None if it is invalid."""

    expected: str
    read: Callable[[Any], Any]
    choices: Tuple[str, ...] = ()


class Option(NamedTuple):
    """A row of the table. `example` is TOML; a default of None means unset."""

    table: str
    name: str
    type: Type
    default: Any
    says: str
    example: str = ""
    variables: Tuple[str, ...] = ()
    variable_type: Optional[Type] = None  # if the variable uses another unit
    since: str = "0.1.0"

    @property
    def key(self) -> str:
        """Return its key in the code, e.g. menu.title. An environment-only setting has no table."""
        return f"{self.table}.{self.name}" if self.table else self.name

    def of_variable(self, said: str) -> Any:
        """Return the value of a variable's text; None if it is invalid."""
        read = (self.variable_type or self.type).read
        value = read(said)
        return read(float(said)) if value is None and _NUMBER.fullmatch(said) else value


def _number(least: int, most: int, unit: str) -> Type:
    """Return the type of a number between two bounds."""

    def read(value: Any) -> Optional[float]:
        """Return the number, as int if it is whole."""
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return (int(value) if value == int(value) else value) if is_number and least <= value <= most else None

    return Type(f"a number from {least} to {most} ({unit})", read)


def _one_of(*choices: str) -> Type:
    return Type(f"one of {', '.join(choices)}", lambda value: value if value in choices else None, choices)


def _matching(expected: str, pattern: str, meaning: Callable[[Match[str]], Any] = lambda found: found[0]) -> Type:
    """Return the type of a text that matches a pattern as a whole."""

    def read(value: Any) -> Any:
        """Return the parsed text."""
        found = re.fullmatch(pattern, value, re.IGNORECASE | re.DOTALL | re.ASCII) if isinstance(value, str) else None
        return meaning(found) if found else None

    return Type(expected, read)


def _all_of(value: Any, may_be: Callable[[Any], bool]) -> Optional[Tuple[Any, ...]]:
    return tuple(value) if isinstance(value, list) and all(map(may_be, value)) else None


def _minutes(span: Match[str]) -> Tuple[int, ...]:
    """Return start and end as minutes of the day; () for no hours."""
    hours = [int(part) for part in span.groups() if part]
    return tuple(hour * 60 + minute for hour, minute in zip(hours[::2], hours[1::2]))


TEXT = _matching('text in "quotes"', ".*")
ADDRESS = Type(f"an address like {address.DEFAULT_URL}", lambda v: address.parse(v) if isinstance(v, str) else None)
_LISTEN = Type(
    "an address like 127.0.0.1:9469", lambda v: v if isinstance(v, str) and address.of_listener(v) else None
)
_FLAG = Type("true or false", lambda value: value if isinstance(value, bool) else None)
_KEYS = _matching("keys like CMD+OPTION+L", _MENU_KEY, lambda found: found[0].upper())
_LIST = Type(f"a list of {', '.join(EVENTS)}", lambda value: _all_of(value, EVENTS.__contains__), EVENTS)
_NAMES = Type("a list of texts", lambda value: _all_of(value, lambda one: isinstance(one, str)))
_SPAN = _matching("hours like 22:00-08:00", rf"|{_TIME}\s*-\s*{_TIME}", _minutes)
_LANGUAGE = _matching("two letters like de", r"[a-z]{2}", lambda found: found[0].lower())
_SECONDS = _number(60, 3600, "readings, one a second")
_READINGS = _SECONDS._replace(read=lambda value: (n := _SECONDS.read(value)) and math.ceil(n / 60))
_STREAMS = _matching("true: SwiftBar restarts no streaming plugin", r"(?!(0|false|no|off)\Z).*", lambda _: True)

OPTIONS: Tuple[Option, ...] = (
    Option(SERVER, "url", ADDRESS, None, "Address of llama-swap. It may hold user:password@ for a proxy in front.",
           '"http://127.0.0.1:8080"', (URL, RUST_URL, RUST_PORT)),
    Option(SERVER, "name", TEXT, None, "What the menu and --server call it.", '"mini"'),
    Option(SERVER, "api_key_keychain", TEXT, None, "Keychain item that holds the API key.", '"llama-swap"'),
    Option(SERVER, "api_key_file", TEXT, None, "File that holds the API key.", '"~/.config/llamabar/key"'),
    Option(SERVER, "api_key_env", TEXT, None, "Environment variable that holds the API key.", '"LLAMA_KEY"'),
    Option(SERVER, "api_key", TEXT, None, "The API key itself.", '"…"', (KEY,)),
    Option(SERVER, "basic_auth_keychain", TEXT, None, "Keychain item with account and password for a proxy in front.",
           '"proxy"'),
    Option(SERVER, "basic_auth_file", TEXT, None, "File that holds user:password for it.", '"~/.login"'),
    Option(SERVER, "basic_auth_env", TEXT, None, "Environment variable that holds user:password for it.", '"LOGIN"'),
    Option(SERVER, "ca_file", TEXT, None, "Certificates (PEM) to trust for an https address.", '"~/ca.pem"'),
    Option(SERVER, "service", TEXT, None, "Label of the LaunchAgent that runs it.", '"org.llamabar.llama-swap"'),
    Option("menu", "title", _one_of("speed", "model", "sparkline", "icon"), "speed", "What the menu bar shows.",
           '"speed"'),
    Option("menu", "names", _one_of("name", "id"), "name", "How models are called: display name or id.", '"id"'),
    Option("menu", "pinned", _NAMES, (), "Models that stand first under Load Model: ids or display names.",
           '["qwen3-30b"]'),
    Option("menu", "expand", TEXT, "", "Of several servers, the one whose whole menu is shown.", '"mini"'),
    Option("menu", "language", _LANGUAGE, "", "Language, in two letters; else the terminal's, or macOS's.", '"de"'),
    Option("menu", "key", _KEYS, "", "Keys that open the menu from anywhere.", '"CMD+OPTION+L"'),
    Option("notify", "events", _LIST, (), "What to be notified about.", '["model failed", "server gone"]'),
    Option("notify", "long_request_s", _number(1, 86400, "seconds"), 60, "When a request counts as long.", "60"),
    Option("notify", "long_load_s", _number(1, 86400, "seconds"), 20, "When a load is worth a \"model ready\".", "20"),
    Option("notify", "quiet", _SPAN, (), "Hours without notifications.", '"22:00-08:00"'),
    Option("power", "keep_awake", _FLAG, False, "Keep this Mac awake while a llama-swap on it is busy.", "true"),
    Option("history", "minutes", _number(1, 60, "minutes"), 5, "How far back the charts go.", "5",
           ("LLAMA_SWAP_HISTORY_SIZE",), _READINGS),
    Option("history", "days", _number(1, 3650, "days"), 90, "Days that single requests are kept; sums stay.", "90"),
    Option("limits", "printed_mb", _number(1, 4096, "MB"), 64, "Output before SwiftBar restarts the plugin.", "64"),
    Option("update", "check", _FLAG, False, "Look for a newer version once a day.", "true"),
    Option("update", "url", ADDRESS, None, "Where the newest version is told. A release knows its own home.",
           '"https://host/newest-version"'),
    Option("export", "listen", _LISTEN, "127.0.0.1:9469", "Address where `llamabar export` answers Prometheus.",
           '"127.0.0.1:9469"'),
    Option("export", "token_file", TEXT, None, "File with a bearer token that scrapers must send.",
           '"~/.scrape-token"'),
    Option("export", "token_env", TEXT, "LLAMABAR_EXPORT_TOKEN", "Environment variable with such a token.",
           '"LLAMABAR_EXPORT_TOKEN"'),
    Option(ENVIRONMENT, "chart_width_px", _number(30, 600, "pixels"), None, "Width of the charts.", "",
           ("LLAMA_SWAP_CHART_WIDTH",)),
    Option(ENVIRONMENT, "chart_height_px", _number(8, 96, "pixels"), None, "Height of the charts.", "",
           ("LLAMA_SWAP_CHART_HEIGHT",)),
    Option(ENVIRONMENT, "answer_s", _number(1, 60, "seconds"), 5, "How long an answer may take.", "",
           ("LLAMA_SWAP_API_TIMEOUT_SECS",)),
    Option(ENVIRONMENT, "log_file", TEXT, None, "llama-swap's log.", "", (LOG_FILE,)),
    Option(ENVIRONMENT, "config_file", TEXT, None, "llama-swap's config.", "", (CONFIG_FILE,)),
    Option(ENVIRONMENT, "streaming", _STREAMS, None, "Can't be switched off.", "", ("LLAMA_SWAP_STREAMING_MODE",)),
    Option(ENVIRONMENT, "config", TEXT, None, "The settings file.", "", ("LLAMABAR_CONFIG",)),
    Option(ENVIRONMENT, "data_dir", TEXT, None, "The folder for history and state.", "", ("LLAMABAR_DATA_DIR",)),
)  # fmt: skip
BY_TABLE: Dict[str, Dict[str, Option]] = {
    table: {one.name: one for one in OPTIONS if one.table == table} for table in dict.fromkeys(o.table for o in OPTIONS)
}
