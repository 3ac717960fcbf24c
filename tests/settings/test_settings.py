"""Settings: their order, and mistakes that are named with their line."""

import os
import stat

import pytest

from llamabar.errors import LlamabarError
from llamabar.settings import load


def loaded(text=None, tmp_path=None, option="", **environment):
    if text is not None:
        (tmp_path / "config.toml").write_text(text)
        environment.setdefault("LLAMABAR_CONFIG", str(tmp_path / "config.toml"))
    else:
        environment.setdefault("LLAMABAR_CONFIG", "/nowhere/at/all.toml")
    return load.load(environment, option=option, discover=lambda: ("http://127.0.0.1:9999", "a test"))


def test_with_nothing_set_a_server_is_discovered():
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
def test_the_older_plugins_variables_are_the_two_halves_of_an_address(base, port, url):
    assert loaded(LLAMA_SWAP_API_BASE_URL=base, LLAMA_SWAP_API_PORT=port).servers[0].url == url


@pytest.mark.parametrize(("text", "url"), [
    (None, "http://h:80800"), (None, "ftp://h"), (None, "http://u:p@h"), (None, "http://h/?x=1"),
    ('[[server]]\nurl = "ftp://h"\n', ""), ("[[server]]\nurl = 5\n", ""), ("[[server]\n", ""),
    ('server = "http://h"\n', ""), ('[server]\nurll = "http://h"\n', ""), ('[servers]\nurl = "http://h"\n', ""),
])  # fmt: skip
def test_whoever_is_found_instead_of_the_address_that_was_named_is_known_to_be_another(tmp_path, text, url):
    found = loaded(text, tmp_path, LLAMABAR_URL=url)
    assert [(server.url, server.instead) for server in found.servers] == [("http://127.0.0.1:9999", True)]
    assert len(found.mistakes) == 1


def test_an_address_further_down_does_not_stand_for_one_that_was_misnamed(tmp_path):
    assert loaded('[[server]]\nurl = "http://h"\n', tmp_path, LLAMABAR_URL="http://gpu box:1").servers[0].instead
    assert loaded(LLAMABAR_URL="http://gpu box:1", LLAMA_SWAP_API_PORT="9090").servers[0].instead


def test_nobody_is_taken_for_another_while_all_is_well(tmp_path):
    assert not loaded().servers[0].instead
    assert not loaded("[menu]\ntitle = 'loud'\n[surprise]\nx = 1\n", tmp_path).servers[0].instead
    assert not loaded("[[server]\n", tmp_path, LLAMABAR_URL="http://h").servers[0].instead


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
    assert loaded(text, tmp_path).mistakes == (
        'settings line 4 must be text, in "quotes" (service)',
        "settings line 8 is not an address like http://127.0.0.1:8080 (url)",
        "settings line 10 has no url (server)",
        'settings line 16 must be text, in "quotes" (api_key)',
        "settings line 14 names a second server a (name)",
    )


def test_the_older_plugins_sizes_and_times_are_taken_over(tmp_path):
    found = loaded(
        "[history]\nminutes = 30\n", tmp_path, LLAMA_SWAP_HISTORY_SIZE="600", LLAMA_SWAP_CHART_WIDTH="200",
        LLAMA_SWAP_CHART_HEIGHT="40", LLAMA_SWAP_API_TIMEOUT_SECS="2.5",
    )  # fmt: skip
    assert found.history_minutes == (10, "LLAMA_SWAP_HISTORY_SIZE")
    assert (found.chart_width_px, found.chart_height_px, found.servers[0].answer_s) == (200, 40, 2.5)
    assert found.mistakes == ()


@pytest.mark.parametrize("value", ["many", "-1", "1e9", "nan"])
def test_an_older_plugins_value_that_makes_no_sense_is_said_and_left_out(value):
    found = loaded(LLAMA_SWAP_CHART_HEIGHT=value)
    assert found.chart_height_px is None
    assert found.mistakes == ("LLAMA_SWAP_CHART_HEIGHT must be a number from 8 to 96",)


def test_the_stream_cannot_be_switched_off_and_that_is_said():
    assert "cannot be switched off" in loaded(LLAMA_SWAP_STREAMING_MODE="False").mistakes[0]
    assert loaded(LLAMA_SWAP_STREAMING_MODE="true").mistakes == ()


def test_history_and_limits_are_set_in_the_file(tmp_path):
    found = loaded("[history]\nminutes = 15\ndays = 30\n[limits]\nprinted_mb = 8\n", tmp_path)
    assert (found.history_minutes, found.history_days, found.printed_mb) == ((15, "file"), (30, "file"), (8, "file"))
    assert found.kept_days == 30
    assert loaded().history_minutes == (5, "default")


@pytest.mark.parametrize(("text", "mistake"), [
    ("[history]\nminutes = 0\n", "settings line 2 must be a number from 1 to 60 (minutes)"),
    ("[history]\ndays = true\n", "settings line 2 must be a number from 1 to 3650 (days)"),
    ('[limits]\nprinted_mb = "8"\n', "settings line 2 must be a number from 1 to 4096 (printed_mb)"),
    ("[limits]\nframes = 8\n", "settings line 2 is not understood (frames)"),
    ("history = 3\n", "settings: [history] must be a table"),
])  # fmt: skip
def test_a_mistake_in_history_or_limits_is_named_and_the_usual_applies(tmp_path, text, mistake):
    found = loaded(text, tmp_path)
    assert found.mistakes == (mistake,)
    assert (found.history_minutes.value, found.history_days.value, found.printed_mb.value) == (5, 400, 64)
    assert found.kept_days is None


def test_a_variable_of_the_older_plugin_that_means_nothing_costs_no_setting(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("[history]\ndays = 30\n")
    found = load.load({"LLAMA_SWAP_STREAMING_MODE": "0"}, option=str(path), discover=lambda: ("http://x", "x"))
    assert (len(found.mistakes), found.kept_days) == (1, 30)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ('[menu]\ntitel = "icon"\n', "settings line 2 is not understood (titel)"),
        ('\n[menu]\ntitle = "loud"\n', "settings line 3 must be one of speed, model, sparkline, icon (title)"),
        ("[menu]\ntitle = \n", "settings line 2 is not understood, so the file is not used"),
        ('[[server]]\nurl = "ftp://x"\n', "settings line 2 is not an address like http://127.0.0.1:8080 (url)"),
        ("[surprise]\nx = 1\n", "settings line 1 is not understood (surprise)"),
        ('menu = "x"\n', "settings: [menu] must be a table"),
        ('[[server]]\nurl = "http://a:1"\n[[server]]\nurl="http://b:1"\nname="server 1"\n', "names a second server"),
        ('[[server]]\napi_key_env = "NOT_SET"\n', "settings: the variable that api_key_env names is not set"),
        ('[[server]]\napi_key_file = "/nowhere/key"\n', "settings: the key file cannot be read (FileNotFoundError)"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_rest_applies(tmp_path, text, mistake):
    found = loaded(text, tmp_path)
    assert any(mistake in said for said in found.mistakes), found.mistakes
    assert found.servers


def test_a_settings_file_that_cannot_be_read_is_said(tmp_path):
    (tmp_path / "config.toml").mkdir()
    assert loaded(LLAMABAR_CONFIG=str(tmp_path / "config.toml")).mistakes == (
        f"settings cannot be read: {tmp_path / 'config.toml'} (IsADirectoryError)",
    )
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    assert "cannot be read" in loaded(LLAMABAR_CONFIG=str(tmp_path / "bytes.toml")).mistakes[0]


def test_an_option_that_names_no_file_ends_with_words(tmp_path):
    with pytest.raises(LlamabarError, match="There is no settings file"):
        loaded(option=str(tmp_path / "no.toml"))


def test_several_servers_and_the_choice_of_one(tmp_path):
    text = '[[server]]\nname="a"\nurl="http://h:1"\n[[server]]\nname="b"\nurl="http://h:2"\napi_key="k"\n'
    found = loaded(text, tmp_path)
    assert [s.name for s in found.servers] == ["a", "b"]
    assert load.select(found, "b").servers[0].api_key == "k"
    with pytest.raises(LlamabarError, match="No server is named 'c'"):
        load.select(found, "c")


def test_a_key_never_shows_in_a_representation(tmp_path):
    found = loaded('[[server]]\napi_key="sk-secret"\n', tmp_path)
    assert found.servers[0].api_key == "sk-secret"
    assert "sk-secret" not in repr(found)


def test_a_key_file_that_others_can_read_is_warned_about_and_used(tmp_path):
    key = tmp_path / "key"
    key.write_text("sk-1\n")
    key.chmod(0o644)
    found = loaded(f'[[server]]\napi_key_file = "{key}"\n', tmp_path)
    assert found.servers[0].api_key == "sk-1"
    assert any("others can read the key file" in said for said in found.mistakes)
    key.chmod(0o600)
    assert loaded(f'[[server]]\napi_key_file = "{key}"\n', tmp_path).mistakes == ()


def test_a_key_from_the_keychain(tmp_path, monkeypatch):
    tool = tmp_path / "security"
    tool.write_text(
        '#!/bin/sh\n[ "$1 $2 $3 $4" = "find-generic-password -s llama-swap -w" ] && echo sk-chain || exit 44\n'
    )
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert loaded('[[server]]\napi_key_keychain="llama-swap"\n', tmp_path).servers[0].api_key == "sk-chain"
    missing = loaded('[[server]]\napi_key_keychain="other"\n', tmp_path)
    assert missing.servers[0].api_key == ""
    assert "keychain has no such key" in missing.mistakes[0]


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://0.0.0.0:8080/", "http://127.0.0.1:8080"),
        ("http://[::]:9", "http://127.0.0.1:9"),
        ("http://[::1]:9", "http://[::1]:9"),
        ("https://mini.local/swap/", "https://mini.local/swap"),
        ("http://u:p@h", None),
        ("http://h:99999", None),
        ("http://h/a b", None),
        ("http://h/'x|y", None),
        ("file:///etc/passwd", None),
    ],
)
def test_addresses(said, url):
    assert load.clean_url(said) == url
