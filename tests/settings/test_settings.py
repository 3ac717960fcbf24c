"""Settings: precedence, mistakes as values with their line, and secrets that are never shown."""

import os
import re
import stat
from pathlib import Path

import pytest

from llamabar.core import address
from llamabar.errors import LlamabarError
from llamabar.settings import load, page
from llamabar.settings.mistakes import Kind, shown, words
from llamabar.settings.options import BY_TABLE, OPTIONS, SERVER
from tools import settings_page

SECRET = "s3cr3t-0123"
NOTHING = str(Path(__file__).with_name("__init__.py"))  # it is empty: settings with nothing in them


def loaded(text=None, tmp_path=None, option="", **environment):
    if text is not None:
        (tmp_path / "config.toml").write_text(text)
        (tmp_path / "config.toml").chmod(0o600)
        environment.setdefault("LLAMABAR_CONFIG", str(tmp_path / "config.toml"))
    else:
        environment.setdefault("LLAMABAR_CONFIG", NOTHING)
    return load.load(environment, option=option, discover=lambda: ("http://127.0.0.1:9999", "a test"))


def said(found):
    return tuple(words(one) for one in found.mistakes)


def test_a_variable_that_names_a_missing_file_is_reported():
    found = loaded(LLAMABAR_CONFIG="/nowhere/at/all.toml")
    assert said(found) == ('LLAMABAR_CONFIG must be a file that exists, not "/nowhere/at/all.toml"',)
    assert found.servers[0].url == "http://127.0.0.1:9999"


def test_a_settings_file_whose_path_cannot_be_followed_is_reported_as_unreadable():
    """So is one in another user's closed folder, about which pathlib raises, too."""
    endless = "/" + "x" * 300
    for found in (loaded(LLAMABAR_CONFIG=endless), loaded(option=endless)):
        assert said(found) == (f"{endless[1:]}: can't be read: File name too long",)


def test_without_settings_a_server_is_discovered():
    found = loaded()
    assert [(s.name, s.url, s.url_from) for s in found.servers] == [("llama-swap", "http://127.0.0.1:9999", "a test")]
    assert found.mistakes == ()


def test_the_environment_comes_before_the_file_and_the_file_before_discovery(tmp_path):
    text = '[[server]]\nname = "mini"\nurl = "http://10.0.0.2:8080"\n'
    assert loaded(text, tmp_path).servers[0].url == "http://10.0.0.2:8080"
    found = loaded(text, tmp_path, LLAMABAR_URL="http://127.0.0.1:1")
    assert [(s.name, s.url, s.url_from) for s in found.servers] == [("mini", "http://127.0.0.1:1", "LLAMABAR_URL")]


@pytest.mark.parametrize(("base", "port", "url"), [
    ("", "45786", "http://127.0.0.1:45786"),
    ("http://127.0.0.1", "45786", "http://127.0.0.1:45786"),
    ("mini.local/", "2", "http://mini.local:2"),
    ("http://h:1/", "2", "http://h:1"),
    ("http://h/below", "2", "http://h/below"),
    ("http://h", "99999", "http://h"),
    ("http://h", "x80", "http://h"),
])  # fmt: skip
def test_the_rust_plugins_variables_are_the_two_halves_of_an_address(base, port, url):
    found = loaded(LLAMA_SWAP_API_BASE_URL=base, LLAMA_SWAP_API_PORT=port)
    assert found.servers[0].url == url
    assert [one.kind for one in found.mistakes] == [Kind.VARIABLE] * (port in ("99999", "x80"))


@pytest.mark.parametrize(("text", "url"), [
    (None, "http://h:80800"), (None, "ftp://h"), (None, "http//mini"), (None, "http://h/?x=1"), (None, "http://a–b"),
    ('[[server]]\nurl = "ftp://h"\n', ""), ("[[server]]\nurl = 5\n", ""), ("[[server]\n", ""),
    ('[[server]]\nurl = ""\n', ""), ('server = "http://h"\n', ""), ('[server]\nulr = "http://h"\n', ""),
    ('[servers]\nurl = "http://h"\n', ""), ('url = "http://h"\n', ""), ('[menu]\nurl = "http://h"\n', ""),
    ("a = " + "[" * 100_000 + "\n", ""), ('[server]\naddress = "http://h"\n', ""),
])  # fmt: skip
def test_an_unusable_address_watches_no_server(tmp_path, text, url):
    found = loaded(text, tmp_path, LLAMABAR_URL=url)
    assert [(one.url, one.address_unusable, one.discovered) for one in found.servers] == [("", True, False)]
    assert len(found.mistakes) == 1


def test_a_later_address_does_not_replace_a_misspelled_one(tmp_path):
    text = '[[server]]\nurl = "http://h"\n'
    assert loaded(text, tmp_path, LLAMABAR_URL="http://gpu box:1").servers[0].address_unusable
    assert loaded(LLAMABAR_URL="http://gpu box:1", LLAMA_SWAP_API_PORT="9090").servers[0].address_unusable
    assert loaded(LLAMA_SWAP_API_PORT="٣٣").servers[0].address_unusable


def test_a_mistake_that_hides_no_address_loses_no_server(tmp_path):
    for text in ("[menu]\ntitle = 'loud'\n[surprise]\nx = 1\n", '[[server]]\nnmae = "x"\n', "[limits]\nurls = 1\n"):
        assert loaded(text, tmp_path).servers[0].url == "http://127.0.0.1:9999"
    assert loaded("[[server]\n", tmp_path, LLAMABAR_URL="http://h").servers[0].url == "http://h"


def test_each_mistake_of_the_servers_is_named_with_its_own_line(tmp_path):
    text = """[[server]]
name = "a"
url = "http://h:1"
service = 5

[[server]]
name = "b"
url = "ftp://h"

[[server]]
name = "c"

[[server]]
name = "a"
url = "http://h:2"
api_key = 12345
"""
    assert set(said(loaded(text, tmp_path))) == {
        'config.toml:4: "service" must be text in "quotes"',
        'config.toml:8: "url" must be an address like http://127.0.0.1:8080, not "ftp://h"',
        "config.toml:10: [server] has no url",
        'config.toml:16: "api_key" must be text in "quotes"',
        'config.toml:14: a second server is named "a"',
    }


def test_the_rust_plugins_sizes_and_times_are_used(tmp_path):
    found = loaded(
        "[history]\nminutes = 30\n", tmp_path, LLAMA_SWAP_HISTORY_SIZE="601", LLAMA_SWAP_CHART_WIDTH="200",
        LLAMA_SWAP_CHART_HEIGHT="40", LLAMA_SWAP_API_TIMEOUT_SECS="2.5",
    )  # fmt: skip
    assert found.options["history.minutes"] == (11, "LLAMA_SWAP_HISTORY_SIZE")
    assert (found["chart_width_px"], found["chart_height_px"], found.servers[0].answer_s) == (200, 40, 2.5)
    assert found.mistakes == ()


@pytest.mark.parametrize("value", ["many", "-1", "1e9", "nan", "4²", "٤٠"])
def test_an_invalid_variable_is_reported_and_ignored(value):
    found = loaded(LLAMA_SWAP_CHART_HEIGHT=value)
    assert found["chart_height_px"] is None
    assert said(found) == (f'LLAMA_SWAP_CHART_HEIGHT must be a number from 8 to 96 (pixels), not "{value}"',)


@pytest.mark.parametrize(("text", "options"), [
    ("", ((), 60, 20, None)), ('quiet = ""\n', ((), 60, 20, None)),
    ('events = ["server gone"]\nlong_request_s = 0x1e\nlong_load_s = 45\nquiet = "22:00 - 8:05"\n',
     (("server gone",), 30, 45, (1320, 485))),
])  # fmt: skip
def test_notification_settings_are_read(tmp_path, text, options):
    assert loaded(f"[notify]\n{text}", tmp_path).notify == options


def test_streaming_cannot_be_switched_off_and_trying_is_reported():
    assert [one.kind for one in loaded(LLAMA_SWAP_STREAMING_MODE="False").mistakes] == [Kind.VARIABLE]
    assert loaded(LLAMA_SWAP_STREAMING_MODE="true").mistakes == ()


def test_every_option_accepts_its_example_and_tells_its_source(tmp_path):
    tables = {table: options for table, options in BY_TABLE.items() if table not in ("", SERVER)}
    for table, options in tables.items():
        for option in options.values():
            found = loaded(f"[{table}]\n{option.name} = {option.example}\n", tmp_path)
            assert found.options[option.key].source == "file"
            assert {one.kind for one in found.mistakes} <= {Kind.NO_URL}
            found = loaded(f"[{table}]\n{option.name} = {{}}\n", tmp_path)
            assert found.options[option.key] == (option.default, "default")
            assert [(one.kind, one.key, one.line) for one in found.mistakes] == [(Kind.VALUE, option.name, 2)]
            assert option.type.expected in said(found)[0]


@pytest.mark.parametrize(("text", "mistake"), [
    ("[history]\nminutes = 0\n", 'config.toml:2: "minutes" must be a number from 1 to 60 (minutes), not 0'),
    ("[history]\ndays = true\n", 'config.toml:2: "days" must be a number from 1 to 3650 (days), not true'),
    ("history.days = nan\n", 'config.toml:1: "days" must be a number from 1 to 3650 (days), not NaN'),
    ('[limits]\nprinted_mb = "8"\n', 'config.toml:2: "printed_mb" must be a number from 1 to 4096 (MB), not "8"'),
    ("[limits]\nframes = 8\n", 'config.toml:2: unknown setting "frames"'),
    ("history = 3\n", 'config.toml:1: "history" must be a table: [history]'),
    ("[[history]]\ndays = 3\n", 'config.toml:1: "history" must be a table: [history]'),
])  # fmt: skip
def test_a_mistake_in_history_or_limits_is_named_and_the_default_applies(tmp_path, text, mistake):
    found = loaded(text, tmp_path)
    assert said(found) == (mistake,)
    assert (found["history.minutes"], found["history.days"], found["limits.printed_mb"]) == (5, 90, 64)
    assert found.kept_days is None


def test_only_a_mistake_that_may_hide_history_days_keeps_all_history(tmp_path):
    found = loaded("[history]\ndays = 30\n", tmp_path, LLAMA_SWAP_STREAMING_MODE="0")
    assert (len(found.mistakes), found.kept_days) == (1, 30)
    assert loaded("[history]\ndays = 30\nmintes = 5\n", tmp_path).kept_days is None


@pytest.mark.parametrize(("text", "mistake"), [
    ('[menu]\ntitel = "icon"\n', 'config.toml:2: unknown setting "titel". Did you mean "title"?'),
    ('[server]\napikey = "k"\nurl = "http://h"\n', 'config.toml:2: unknown setting "apikey". Did you mean "api_key"?'),
    ('[meny]\ntitle = "icon"\n', 'config.toml:1: unknown setting "meny". Did you mean "menu"?'),
    ("[menu]\ndays = 3\n", 'config.toml:2: "days" doesn\'t belong here. It goes into [history].'),
    ('\n[menu]\ntitle = "loud"\n',
     'config.toml:3: "title" must be one of speed, model, sparkline, icon, not "loud"'),
    ("[menu]\ntitle = \n", "config.toml:2: not valid TOML, so the file isn't used"),
    ("[surprise]\nx = 1\n", 'config.toml:1: unknown setting "surprise"'),
    ('menu = "x"\n', 'config.toml:1: "menu" must be a table: [menu]'),
    ("[update]\ncheck = true\n", "config.toml:1: [update] has no url"),
    ('[[server]]\nurl = "http://a:1"\n[[server]]\nurl="http://b:1"\nname="server 1"\n',
     'config.toml:5: a second server is named "server 1"'),
    ('[[server]]\napi_key_env = "NOT_SET"\n', "config.toml:2: the variable that api_key_env names isn't set"),
    ('[[server]]\napi_key_file = "/nowhere/key"\n',
     "config.toml:2: the file that api_key_file names can't be read: No such file or directory"),
    ('[[server]]\napi_key_file = "/dev/null"\n',
     "config.toml:2: the file that api_key_file names can't be read: it isn't a regular file"),
])  # fmt: skip
def test_a_mistake_is_named_with_its_line_and_the_rest_applies(tmp_path, text, mistake):
    found = loaded(text, tmp_path)
    assert said(found) == (mistake,)
    assert found.servers


@pytest.mark.parametrize(("text", "lines"), [
    ('[menu]\n  titel = "icon"\n', ["    titel = …", "    ^^^^^"]),
    ('[menu]\ntitle = "loud"\n', ['  title = "loud"', "          ^"]),
    ('[[server]]\nurl = "ftp://h"\n', ['  url = "ftp://h"', "        ^"]),
    ("menu.days = 3\n", ["  menu.days = …", "       ^^^^"]),
])  # fmt: skip
def test_a_terminal_shows_the_line_and_a_marker_under_the_mistake(tmp_path, text, lines):
    assert shown(loaded(text, tmp_path).mistakes[0])[1:] == lines


@pytest.mark.parametrize("text", [
    f'[[server]]\nurl = "http://u:{SECRET}@h:99999"\n', f'[[server]]\nurl = "ftp://u:{SECRET}@h"\n',
    f'[[server]]\nurl = "http://h/?key={SECRET}"\n', f'[[server]]\napikey = "{SECRET}"\n',
    f'[[server]]\napi_key = ["{SECRET}"]\n', f'[[server]]\napi_key = "{SECRET}\n', f'api_key = "{SECRET}"\n',
    f'[[server]]\napi_key = "{SECRET} ü"\n', f'[[server]]\nulr = "http://u:{SECRET}@h"\n', f'x = """\n{SECRET}\n',
    '[[server]]\nbasic_auth_env = "LOGIN"\n', f'"{SECRET}" ] = 1\n', f'[servers]\nbasic_auth = "{SECRET}"\n',
    f'server = [{{url = "ftp://h", api_key = "{SECRET}"}}]\n',
])  # fmt: skip
def test_no_mistake_shows_a_secret(tmp_path, text):
    found = loaded(text, tmp_path, LOGIN=SECRET)
    assert found.mistakes
    assert SECRET not in repr([*map(shown, found.mistakes)]) + repr(found) + "".join(page.config_lines(found))


def test_a_settings_path_that_is_no_regular_file_is_reported_without_blocking(tmp_path):
    fifo, big, latin = tmp_path / "fifo", tmp_path / "big", tmp_path / "latin"
    os.mkfifo(fifo)
    big.touch()
    os.truncate(big, 3_000_000_000)
    latin.write_bytes(b"\xff\xfe")
    for path, why in (
        (tmp_path, "it isn't a regular file"), (fifo, "it isn't a regular file"), (big, "it is larger than 100 kB"),
        (latin, "it isn't UTF-8 text"),
    ):  # fmt: skip
        found = loaded(LLAMABAR_CONFIG=str(path))
        assert said(found) == (f"{path.name}: can't be read: {why}",)
        assert found.servers[0].url == ""
    key = f'[[server]]\nurl = "http://h"\napi_key_file = "{fifo}"\n'
    assert [one.kind for one in loaded(key, tmp_path).mistakes] == [Kind.SECRET_FILE]


@pytest.mark.parametrize(("before", "part", "after", "line"), [
    ("[menu]\n", "a.", " = 1", 2), ("[", '"a" . ', "]", 1), ("x = {", "a.", " = 1}", 1),
])  # fmt: skip
def test_a_key_of_thousands_of_parts_is_refused_since_reading_it_takes_minutes(tmp_path, before, part, after, line):
    text = f"{before}{part * 900}b{after}\n"
    assert [(one.kind, one.line) for one in loaded(text, tmp_path).mistakes] == [(Kind.SYNTAX, line)]


@pytest.mark.parametrize("text", [
    f"[menu]\n{'x' * 9000} = 1\n", f"[menu]\n{' ' * 9000}titel = 1\n", "a." * 900 + "b = 1\n",
], ids=["key", "blanks", "dots"])
def test_only_the_start_of_an_endless_line_is_shown(tmp_path, text):
    lines = shown(loaded(text, tmp_path).mistakes[0])
    assert max(map(len, lines)) <= 200 and all(map(str.strip, lines))


def test_dots_outside_a_key_are_allowed(tmp_path):
    pinned = ", ".join(['"a.b.c"'] * 200)
    text = f"# {'.' * 200}\n# {'so. ' * 90}\n[menu]\npinned = [{pinned}, '{'a.b ' * 90}']  # {'a.b' * 90}\n"
    assert len(loaded(text, tmp_path)["menu.pinned"]) == 201


def test_a_byte_order_mark_is_accepted(tmp_path):
    (tmp_path / "bom.toml").write_bytes(b"\xef\xbb\xbf[menu]\ntitle = 'icon'\n")
    assert loaded(LLAMABAR_CONFIG=str(tmp_path / "bom.toml"))["menu.title"] == "icon"


def test_a_config_option_without_a_file_ends_with_a_message(tmp_path):
    with pytest.raises(LlamabarError, match="There is no settings file"):
        loaded(option=str(tmp_path / "no.toml"))


def test_one_of_several_servers_can_be_selected(tmp_path):
    text = '[[server]]\nname="a"\nurl="http://h:1"\n[[server]]\nname="b"\nurl="http://h:2"\napi_key="k"\n'
    found = loaded(text, tmp_path)
    assert [s.name for s in found.servers] == ["a", "b"]
    assert load.select(found, "b").servers[0].api_key == "k"
    assert load.select(found, "@2").servers[0].name == "b"
    with pytest.raises(LlamabarError, match="No server is named 'c'"):
        load.select(found, "c")


def test_a_key_or_a_login_is_used_and_never_shown(tmp_path):
    found = loaded(f'[[server]]\nurl = "http://anna:{SECRET}@h"\napi_key="sk-{SECRET}"\n', tmp_path)
    server = found.servers[0]
    assert (server.api_key, server.login, server.url) == (f"sk-{SECRET}", f"anna:{SECRET}", "http://h")
    for text in (repr(found), *page.config_lines(found), *said(found)):
        assert SECRET not in text
        assert "anna" not in text


def test_a_secret_goes_with_the_address_it_was_given_for(tmp_path):
    text = '[[server]]\nurl = "http://u:p@h:1"\napi_key = "k"\n'
    same, other = (loaded(text, tmp_path, LLAMABAR_URL=url).servers[0] for url in ("h:1/", "h:2"))
    assert (same.api_key, other.api_key, other.login) == ("k", "", "")


@pytest.mark.parametrize("inline", ['api_key = "k"\nurl = "http://h"', 'url = "http://u:p@h"'])
def test_a_secret_in_a_settings_file_that_others_can_read_is_warned_about(tmp_path, inline):
    path = tmp_path / "open.toml"
    path.write_text(f"[[server]]\n{inline}\n")
    path.chmod(0o644)
    found = loaded(LLAMABAR_CONFIG=str(path))
    assert said(found) == (f"open.toml:2: others can read this file and the secret in it: chmod 600 {path}",)
    assert found.servers[0].api_key + found.servers[0].login
    assert found.kept_days == 90
    path.chmod(0o600)
    assert loaded(LLAMABAR_CONFIG=str(path)).mistakes == ()


def test_a_key_file_that_others_can_read_is_warned_about_and_used(tmp_path):
    key = tmp_path / "key"
    key.write_text("sk-1\n")
    key.chmod(0o644)
    found = loaded(f'[[server]]\napi_key_file = "{key}"\n', tmp_path)
    assert found.servers[0].api_key == "sk-1"
    assert [one.kind for one in found.mistakes] == [Kind.SECRET_FILE_OPEN]
    key.chmod(0o600)
    assert loaded(f'[[server]]\napi_key_file = "{key}"\n', tmp_path).mistakes == ()


def test_a_key_and_a_login_come_from_the_keychain(tmp_path, monkeypatch):
    tool = tmp_path / "security"
    tool.write_text(
        '#!/bin/sh\n[ "$3" = locked ] && exit 36\n[ "$1 $2 $3" = "find-generic-password -s llama-swap" ] || exit 44\n'
        '[ "$4" = -w ] && echo sk-chain && exit\n'
        'echo \'    "acct"<blob>="anna"\'; echo \'password: 0x70C3A42273  "p\\303\\244\\"s"\' >&2\n'
    )
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert loaded('[[server]]\napi_key_keychain="llama-swap"\n', tmp_path).servers[0].api_key == "sk-chain"
    assert loaded('[[server]]\nbasic_auth_keychain="llama-swap"\n', tmp_path).servers[0].login == 'anna:pä"s'
    missing = loaded('[[server]]\napi_key_keychain="other"\n', tmp_path)
    assert missing.servers[0].api_key == ""
    assert [one.kind for one in missing.mistakes] == [Kind.KEYCHAIN_EMPTY]
    locked = loaded('[[server]]\napi_key_keychain="locked"\n', tmp_path)
    assert [one.kind for one in locked.mistakes] == [Kind.KEYCHAIN_SILENT], "over ssh it can't ask to be unlocked"


def test_a_login_comes_from_a_file_or_a_variable_and_needs_a_colon(tmp_path):
    login = tmp_path / "login"
    login.write_text("anna:pä ss\n")
    login.chmod(0o600)
    text = f'[[server]]\nurl="http://h"\nbasic_auth_file="{login}"\n'
    assert loaded(text, tmp_path).servers[0].login == "anna:pä ss"
    text = '[[server]]\nurl="http://h"\nbasic_auth_env="LOGIN"\n'
    assert loaded(text, tmp_path, LOGIN="bob:x").servers[0].login == "bob:x"
    found = loaded(text, tmp_path, LOGIN=SECRET)
    assert found.servers[0].login == ""
    assert said(found) == ("config.toml:3: what basic_auth_env gives isn't user:password, so it isn't used",)


def test_the_page_is_what_the_table_says():
    """For an intended change: LLAMABAR_WRITE_GOLDEN=1, then read the diff."""
    path = Path(__file__).parents[2] / "docs" / "settings.md"
    if os.environ.get("LLAMABAR_WRITE_GOLDEN"):
        path.write_text(settings_page.page(), "utf-8")
    assert path.read_text("utf-8") == settings_page.page()
    assert all(f"`{option.name}`" in settings_page.page() for option in OPTIONS)


def test_the_first_settings_file_is_all_comments_and_each_of_its_lines_can_be_used(tmp_path):
    first = page.first_settings().decode()
    assert loaded(first, tmp_path).mistakes == loaded().mistakes
    assert loaded(first, tmp_path).servers[0].discovered
    lines = [line for line in first.splitlines() if re.match(r"# (\[|\w+ = )", line) and "_" not in line.split("=")[0]]
    found = loaded("\n".join(line[2:] for line in lines), tmp_path)
    assert [one.kind for one in found.mistakes if one.kind not in (Kind.SECRET_FILE, Kind.SECRET_MISSING)] == []
    assert found.servers[0].url == address.DEFAULT_URL
