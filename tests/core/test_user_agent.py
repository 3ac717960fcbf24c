"""Clients by User-Agent: the program's name, and no version, system or secret."""

import pytest

from llamabar.core.user_agent import client_name

MAC = "(Macintosh; Intel Mac OS X 10_15_7)"
WEBKIT = f"Mozilla/5.0 {MAC} AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Zed/0.150.4 (macos; aarch64)", "Zed"), ("python-requests/2.32.3", "python-requests"), ("curl/8.7.1", "curl"),
        ("OpenAI/Python 1.40.0", "OpenAI"), ("Open WebUI", "Open WebUI"), ("Open WebUI/0.5 (x)", "Open WebUI"),
        (f"{WEBKIT} Chrome/126.0.0.0 Safari/537.36", "Chrome"), (f"{WEBKIT} Chrome/126 Safari/537.36 Edg/126", "Edge"),
        (f"{WEBKIT} Chrome/120.0 Electron/28.1 Jan/0.5.1 Safari/537.36", "Jan"),
        (f"Mozilla/5.0 {MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15", "Safari"),
        (f"Mozilla/5.0 {MAC} Gecko/20100101 Firefox/128.0", "Firefox"), ("Mozilla/5.0", "Mozilla"),
        ("", ""), ("/", ""), ("((((", "(((("), ("x" * 10_000, "x" * 40), ("node", "node"),
        ("Go-http-client/1.1", "Go-http-client"),
    ],
)  # fmt: skip
def test_a_client_is_named_after_its_program(user_agent, name):
    assert client_name(user_agent) == name
