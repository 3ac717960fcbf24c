"""Whatever answers in llama-swap's place is identified: real answers over real sockets."""

import json
import os
import resource

import pytest

from llamabar.core import events as ev
from llamabar.core.events import FaultKind
from llamabar.core.status import Status, classify
from llamabar.sources.client import Client, Unreachable
from tests.fakes.here import run_here
from tests.fakes.life import live
from tests.fakes.programs import Stranger

LOGIN = b'<html><title>Router</title><form><INPUT name=p type="password"></form></html>'
TITLED = b"<html><head><title>Sign in</title></head></html>"
WELCOME = b"<html><title>Welcome to nginx!</title></html>"


def answer(status, headers=(), body=b""):
    lines = [f"HTTP/1.1 {status} X", *headers, f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


PAGE = ("Content-Type: text/html; charset=utf-8",)
CLOUDFLARE = "https://team.cloudflareaccess.com/cdn-cgi/access/login/mac.example.org?kid=1"
TAILSCALE = ("Content-Type: text/plain", "Server: Tailscale")


def without_events(heard):
    """A gateway that lets all of a newer llama-swap through but its event stream."""
    return answer(404) if b" /api/events " in heard else answer(200, (), b'{"running":[],"version":"v250"}')


CASES = {
    "nginx, Basic auth": (answer(401, ('WWW-Authenticate: Basic realm="x"',)), FaultKind.BASIC_AUTH),
    "a proxy that knows several ways to sign in": (
        answer(401, ("WWW-Authenticate: Negotiate", 'WWW-Authenticate: Basic realm="x"', "WWW-Authenticate: Bearer")),
        FaultKind.BASIC_AUTH,
    ),
    "several ways in one line": (
        answer(401, ('WWW-Authenticate: Bearer realm="a, b", Basic realm="x"',)), FaultKind.BASIC_AUTH),
    "a way to sign in that only speaks of Basic": (
        answer(401, ('WWW-Authenticate: Bearer realm="no basic here"',)), FaultKind.FORBIDDEN),
    "Traefik, Digest auth": (answer(401, ("WWW-Authenticate: Digest realm=x",)), FaultKind.FORBIDDEN),
    "a sign-in page": (answer(200, PAGE, LOGIN), FaultKind.SIGN_IN),
    "a sign-in page with 403 (oauth2-proxy)": (answer(403, PAGE, TITLED), FaultKind.SIGN_IN),
    "a redirect to a login": (answer(302, ("Location: /login?next=%2Fapi%2Fevents",)), FaultKind.SIGN_IN),
    "oauth2-proxy": (answer(302, ("Location: /oauth2/start?rd=%2F",)), FaultKind.SIGN_IN),
    "Cloudflare Access": (answer(302, (f"Location: {CLOUDFLARE}",)), FaultKind.SIGN_IN),
    "https only": (answer(301, ("Location: https://127.0.0.1/api/events",)), FaultKind.HTTPS_ONLY),
    "an allow list": (answer(403, PAGE, b"<html>403 Forbidden</html>"), FaultKind.FORBIDDEN),
    "a rate limit": (answer(429), FaultKind.RATE_LIMITED),
    "a server that fails": (answer(500), FaultKind.SERVER_ERROR),
    "a gateway": (answer(502, PAGE, b"<html>502 Bad Gateway</html>"), FaultKind.GATEWAY),
    "Tailscale serve, its target is down": (answer(502, TAILSCALE), FaultKind.GATEWAY),
    "a gateway in maintenance": (answer(503), FaultKind.GATEWAY),
    "a gateway whose server is slow": (answer(504), FaultKind.GATEWAY),
    "Cloudflare, its tunnel is down": (answer(530, PAGE, b"<html>error code: 1033</html>"), FaultKind.GATEWAY),
    "Cloudflare, its origin refuses": (answer(521, ("Server: cloudflare",)), FaultKind.GATEWAY),
    "Cloudflare, its origin is slow": (answer(524), FaultKind.GATEWAY),
    "ngrok, its agent is away": (answer(404, (*PAGE, "ngrok-error-code: ERR_NGROK_3200")), FaultKind.GATEWAY),
    "a hotel's network": (answer(511, PAGE), FaultKind.SIGN_IN),
    "a web server": (answer(200, PAGE, WELCOME), FaultKind.NOT_LLAMA_SWAP),
    "a web server without that page": (answer(404, ("Server: nginx/1.27",)), FaultKind.NOT_LLAMA_SWAP),
    "a llama-swap before v135": (answer(404, (), b'{"running":[]}'), FaultKind.TOO_OLD),
    "a gateway without a rule for the event stream": (without_events, FaultKind.NO_EVENTS),
    "moved to a path of its own": (answer(301, ("Location: /llm/api/events",)), FaultKind.MOVED),
    "moved to another host": (answer(308, ("Location: https://mac.example.org/api/events",)), FaultKind.MOVED),
    "a redirect to the same address": (answer(302, ("Location: /api/events/",)), FaultKind.NOT_LLAMA_SWAP),
    "a redirect to nowhere": (answer(304), FaultKind.NOT_LLAMA_SWAP),
    "a redirect to a front page": (answer(302, ("Location: /",)), FaultKind.NOT_LLAMA_SWAP),
    "a redirect to anywhere": (answer(307, ("Location: http://[bad",)), FaultKind.NOT_LLAMA_SWAP),
}


@pytest.mark.parametrize("name", CASES)
def test_a_proxy_in_front_is_recognized_and_gets_no_key(name):
    said, kind = CASES[name]
    with Stranger(said) as stranger:
        client = Client(stranger.url, api_key="sk-1")
        with pytest.raises(Unreachable) as error:
            client.open_stream()
        assert error.value.fault.kind is kind
        assert not client.key_wanted
        assert not any(b"sk-1" in heard for heard in stranger.heard)
        no_use = kind in (FaultKind.NOT_LLAMA_SWAP, FaultKind.TOO_OLD)
        assert (classify(live(ev.StreamLost(error.value.fault))) is Status.INCOMPATIBLE) == no_use


def test_another_program_is_named_by_its_server_header_as_harmless_text(tmp_path):
    with Stranger(answer(404, ("Server: nginx/1.27 \x1b]52;c;eA==\x07",))) as stranger:
        done = run_here(tmp_path, "status", LLAMABAR_URL=stranger.url)
    assert "not a llama-swap server" in done.stdout and "Server: nginx/1.27" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_login_that_was_refused_is_not_asked_for_as_if_it_were_missing():
    with Stranger(CASES["nginx, Basic auth"][0]) as stranger:
        with pytest.raises(Unreachable) as missing:
            Client(stranger.url).open_stream()
        with pytest.raises(Unreachable) as wrong:
            Client(stranger.url, login="me:wrong").open_stream()
    assert missing.value.fault == ev.Fault(FaultKind.BASIC_AUTH, "HTTP 401")
    assert wrong.value.fault == ev.Fault(FaultKind.BASIC_AUTH, "HTTP 401, and those given were refused")


@pytest.mark.parametrize(("name", "status", "said"), [
    ("moved to a path of its own", "unreachable", "/llm). Address: set url to where it redirects"),
    ("a gateway without a rule for the event stream", "unreachable", "doesn't pass on /api/events. Gateway: let /api/"),
    ("nginx, Basic auth", "unauthorized", "User name and password required"),
    ("Cloudflare Access", "unauthorized", "A sign-in page stands in front of llama-swap"),
    ("an allow list", "unauthorized", "Access denied"),
    ("a rate limit", "unreachable", "Too many requests (HTTP 429)"),
    ("a gateway", "unreachable", "The gateway can't reach llama-swap (HTTP 502)"),
])  # fmt: skip
def test_status_reports_the_fault_in_words_and_by_its_code(tmp_path, name, status, said):
    with Stranger(CASES[name][0]) as stranger:
        document = json.loads(run_here(tmp_path, "status", "--json", LLAMABAR_URL=stranger.url).stdout)
        done = run_here(tmp_path, "status", LLAMABAR_URL=stranger.url)
    assert document["servers"][0]["status"] == status
    assert done.returncode == 1
    assert said in done.stdout


def test_a_computer_without_free_files_is_not_a_server_that_refuses():
    limits, spare = resource.getrlimit(resource.RLIMIT_NOFILE), os.open(os.devnull, os.O_RDONLY)
    os.close(spare)
    client = Client("http://127.0.0.1:1")
    with pytest.raises(Unreachable) as first:
        client.open_stream()
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (spare, limits[1]))
        with pytest.raises(Unreachable) as found:
            client.open_stream()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert first.value.fault.kind is FaultKind.REFUSED
    assert found.value.fault == (FaultKind.CLOSED, "too many open files on this computer")
