"""Addresses: what counts as one, which port is meant, what is this computer, and no secret in output."""

import pytest

from llamabar.core import address


@pytest.mark.parametrize(("text", "url"), [
    ("127.0.0.1:8080", "http://127.0.0.1:8080"), (" http://h:1 ", "http://h:1"), (":8080", "http://127.0.0.1:8080"),
    ("http://0.0.0.0:8080/", "http://127.0.0.1:8080"), ("http://[::]:9", "http://127.0.0.1:9"),
    ("http://[::1]:9", "http://[::1]:9"), ("http://[fe80::1%en0]:9", "http://[fe80::1%en0]:9"),
    ("http://[fe80::1%25en0]:9", "http://[fe80::1%en0]:9"),
    ("https://mini.local/swap/", "https://mini.local/swap"), ("http://h/v1/", "http://h"), ("h/ui", "http://h"),
    ("http://müller.local:8080", "http://xn--mller-kva.local:8080"), ("http://h/über", "http://h/%C3%BCber"),
    ("http://h/upstream/m/", "http://h"), ("h/swap//upstream", "http://h/swap"), ("h/%55pstream/m/v1", "http://h"),
    ("http://h/v1/upstream/m", "http://h"), ("h/upstreams/m", "http://h/upstreams/m"),
    ("http://u:p@h:1/x", "http://h:1/x"), ("u:p@h", "http://h"), ("HTTP://H", "http://H"),
])  # fmt: skip
def test_common_spellings_of_an_address_are_accepted(text, url):
    found = address.parse(text)
    assert found is not None
    assert found.url == url
    assert found.url.isascii()


@pytest.mark.parametrize("text", [
    "", "http://", "http//mini", "http:/mini", "https:mini", "http://h:99999", "http://h:0", "http://h:8²", "http://h:٣",
    "http://h:80x", "http://h:$PORT", "http://h:-1", "http://h/a b", "http://h/'x|y", "http://h\n:1", "http://h//x",
    "file:///etc/passwd", "ftp://h", "http://h/?x=1", "http://h#x", "http://anna’s-mini", "http://mini–1", "http://a..b",
    "http://[::1", "http://::1", "http://-h", "http://h\\x", "http://h\u202e", "http://\ud800", "http://[zz]:1",
    "http://" + "ü" * 80,
])  # fmt: skip
def test_an_invalid_address_is_none_and_never_an_exception(text):
    assert address.parse(text) is None
    assert address.port_of(text) is None
    assert not address.is_local(text)


def test_a_login_is_split_off_and_never_shown():
    found = address.parse("http://anna:s3%40cret@h:1")
    assert found is not None
    assert found.login == "anna:s3@cret"
    assert "cret" not in found.url + repr(found) + str(found)


@pytest.mark.parametrize("text", ["http://u:s3cret@h", "u:s3cret@h x", "ftp://u:s3/cret@h", "http://u:s3@cret@h"])
def test_a_quoted_mistake_shows_no_password(text):
    shown = address.without_login(text)
    assert "s3" not in shown
    assert "cret" not in shown
    assert shown.replace("://", "").endswith(text.rpartition("@")[2])


@pytest.mark.parametrize(("url", "port"), [("http://h", 80), ("https://h", 443), ("https://h:1", 1)])
def test_a_url_without_a_port_uses_its_schemes_default(url, port):
    assert address.port_of(url) == port


@pytest.mark.parametrize(("listen", "tls", "url"), [
    (":8080", False, "http://127.0.0.1:8080"), ("0.0.0.0:7", False, "http://127.0.0.1:7"),
    ("[::]:7", True, "https://127.0.0.1:7"), (":::7", False, "http://127.0.0.1:7"), ("[::1]:7", False, "http://[::1]:7"),
    ("*:7", False, "http://127.0.0.1:7"), ("10.0.0.2:7", False, "http://10.0.0.2:7"),
    ("127.0.0.1:$PORT", False, None), (":http-alt", False, None), ("", False, None), ("8080", False, "http://127.0.0.1:8080"),
])  # fmt: skip
def test_a_listen_address_is_used_as_is_and_a_wildcard_means_loopback(listen, tls, url):
    assert address.of_listen(listen, tls=tls) == url


@pytest.mark.parametrize(("url", "local", "loopback"), [
    ("http://localhost:1", True, True), ("https://127.0.0.1:1", True, False), ("http://[::1]:1", True, True),
    ("http://127.1.2.3:1", True, True), ("http://LOCALHOST:1", True, True), ("http://10.0.0.2:1", False, False),
    ("http://127.0.0.1.evil.com", False, False), ("http://localhost@evil.com", False, False),
])  # fmt: skip
def test_only_a_loopback_host_is_this_computer(url, local, loopback):
    assert (address.is_local(url), address.is_loopback(url)) == (local, loopback)
