"""Nothing private gets through: known values in every spelling, and whatever looks like one."""

import json
import re
import string
import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llamabar.doctor.checks.redact import Private, redacted, redacted_line

KEY, HOME, USER, HOST = "k3y-Of+the/Server==", "/Users/Zoé Müller", "Zoé Müller", "zoes-studio.fritz.box"
PRIVATE = Private((KEY,), HOME, (USER, "zoe"), (HOST, "zoes-studio"))


@pytest.mark.parametrize(
    ("line", "gone"),
    [
        ("Authorization: Bearer abc.def", "abc.def"),
        ('{"Authorization":["Basic dXNlcjpwYXNz"],"b":1}', "dXNlcjpwYXNz"),
        ("x-api-key: 12345", "12345"),
        ("curl -H 'authorization: Bearer tok'", "tok"),
        ("--api-key hunter2 --port 1", "hunter2"),
        ("--hf-token=hunter2", "hunter2"),
        ("HF_TOKEN=hunter2", "hunter2"),
        ('"password": "hunter2"', "hunter2"),
        ("found sk-proj-abcdef123456 there", "abcdef123456"),
        ("http://user:hunter2@127.0.0.1:8080", "hunter2"),
        ("mail me@example.org", "example.org"),
        ("remote 192.168.1.20:5123", "192.168.1.20"),
        ("[fe80::1c2d:3e4f%en0]:8080", "fe80"),
        ("2001:db8::42 said", "2001:db8"),
        ("lookup nas on 10.0.0.1:53", "nas"),
        ("dial tcp mini:8080: refused", "mini"),
        ("http://mini:8080/v1", "mini"),
        ("https://box.corp.example/x", "corp"),
        ("host box.corp.example is down", "corp"),
        ("/Users/anna/models/a.gguf", "anna"),
        ("/home/anna/models", "anna"),
        ('{"prompt":"how do I\\n","n":1}', "how do"),
        ('"messages":[{"role":"user","content":"dearest"}]', "dearest"),
        ("prompt=dearest diary", "dearest"),
        ("Executing start command: llama-server -m /x.gguf", "x.gguf"),
        ("cmd: /opt/homebrew/bin/llama-server --model /x.gguf", "x.gguf"),
        ("/opt/homebrew/bin/llama-server -m /x.gguf --ctx 1", "x.gguf"),
        ("args=[-m x.gguf]", "x.gguf"),
    ],
)
def test_what_looks_like_a_secret_is_removed_from_a_foreign_line(line, gone):
    assert gone not in redacted_line(line, Private())


@pytest.mark.parametrize(
    "text",
    [
        "Nothing listens at http://127.0.0.1:8080. llama-swap is stopped, or listens elsewhere.",
        "launchctl enable gui/501/org.llamabar.llama-swap",
        "chmod 644 ~/Library/LaunchAgents/com.user.llama-swap.plist",
        "http://localhost:8080 and [::1]:8080",
        "llama-swap 250, macOS 26.1, Python 3.11.7, at 15:22:52",
        "config.yaml line 3: see server.go:123 and llama-swap.log",
        "xattr -d com.apple.quarantine ~/x",
    ],
)
def test_helpful_text_is_not_redacted(text):
    assert redacted(text, PRIVATE) == text


def test_every_spelling_of_a_known_value_is_removed():
    for value in (KEY, HOME, USER, HOST):
        for form in ("NFC", "NFD"):
            plain = unicodedata.normalize(form, value)
            for spelled in (plain, json.dumps(plain)[1:-1], quote(plain), quote(plain, safe=""), plain.upper()):
                for shown in (redacted(f"<{spelled}>", PRIVATE), redacted_line(f"<{spelled}>", PRIVATE)):
                    assert spelled not in shown


around = st.text(string.ascii_letters + string.digits + " .:/\"'=,{}[]()@%-\\_~\t", max_size=30)
edges = st.sampled_from([" ", "/", '"', "'", "=", ":", ",", "(", "[", "{", "@", "%", "-", "\\", "|", "\t", "."])


@settings(max_examples=250, deadline=None)
@given(around, edges, st.sampled_from([KEY, HOME, USER, HOST, "zoe", "zoes-studio"]), edges, around)
def test_a_known_value_is_removed_whatever_surrounds_it(before, left, secret, right, after):
    for shown in (redacted(before + left + secret + right + after, PRIVATE),
                  redacted_line(before + left + secret + right + after, PRIVATE)):  # fmt: skip
        assert not re.search(rf"(?<![^\W_]){re.escape(secret)}(?![^\W_])", shown, re.IGNORECASE), shown


@settings(max_examples=150, deadline=None)
@given(around, st.ip_addresses().map(str), edges, around)
def test_no_address_except_loopback_gets_through(before, address, right, after):
    shown = redacted(f"{before} {address} {right}{after}", Private())
    loopback = address.startswith("127.") or address in ("::1", "::", "0.0.0.0")
    assert loopback or not re.search(rf"(?<![\w:.]){re.escape(address)}(?![\w:.])", shown), shown


@settings(max_examples=150, deadline=None)
@given(
    around,
    st.sampled_from(["Authorization: Bearer ", "x-api-key: ", "--api-key ", "OPENAI_API_KEY=", '"api_key": "',
                     '"prompt": "', '"content":"', "cmd: "]),
    st.text(string.ascii_lowercase + string.digits, min_size=8, max_size=20).map(lambda text: f"zq{text}"),
)  # fmt: skip
def test_what_follows_a_secrets_name_is_removed(before, name, secret):
    assert secret not in redacted_line(f"{before} {name}{secret}", Private())


def test_private_values_are_not_in_repr():
    assert KEY not in repr(PRIVATE)
