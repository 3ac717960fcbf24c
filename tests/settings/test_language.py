"""The language: the setting, else the terminal's, else macOS's; English if there is no file for it."""

import subprocess
import sys

import pytest

from llamabar.settings import load
from llamabar.settings.language import language
from llamabar.view import languages


def settings(folder, text=""):
    path = folder / "config.toml"
    path.write_text(text)
    return load.load({"LLAMABAR_CONFIG": str(path)}, discover=lambda: ("http://127.0.0.1:9", ""))


@pytest.mark.parametrize(("set_to", "environment", "code"), [
    ("", {"LANG": "de_DE.UTF-8"}, "de"), ("", {"LANG": "ja"}, "ja"), ("", {"LC_ALL": "C", "LANG": "de_DE"}, ""),
    ("", {"LC_MESSAGES": "ja_JP", "LANG": "de_DE"}, "ja"), ("", {"LANG": "C.UTF-8"}, ""), ("", {"LANG": "POSIX"}, ""),
    ("ja", {"LANG": "de_DE.UTF-8"}, "ja"), ("JA", {}, "ja"), ("", {"LANG": "gsw_CH@x"}, "gsw"),
    ("", {"LANG": "\x1b]0;de"}, ""), ("", {"LANG": "../../de"}, ""),
])  # fmt: skip
def test_the_setting_comes_first_then_the_terminals_language(tmp_path, set_to, environment, code):
    text = f'[menu]\nlanguage = "{set_to}"\n' if set_to else ""
    assert language(settings(tmp_path, text), environment) == code


@pytest.mark.parametrize(("listed", "code"), [
    (("de-AT", "en-AT"), "de"), (("zh-Hans-CN", "en"), "zh"), ((), ""),
])  # fmt: skip
def test_without_a_terminals_language_the_macs_first_one_counts(make_mac, listed, code):
    mac = make_mac()
    if listed:
        mac.run("defaults", "write", "-g", "AppleLanguages", "-array", *listed)
    asked = (
        "from llamabar.settings import load; from llamabar.settings.language import language;"
        "print(language(load.load({'LLAMABAR_CONFIG': '/none'}, discover=lambda: ('http://h', '')), {}))"
    )
    environment = {key: value for key, value in mac.environment().items() if key != "LANG" and key[:3] != "LC_"}
    done = subprocess.run([sys.executable, "-c", asked], env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (f"{code}\n", "")


@pytest.mark.parametrize("code", ["", "en", "xx", "../de", "os", "DE"])
def test_a_language_without_a_file_is_english(code):
    assert languages.table(code) == {}
