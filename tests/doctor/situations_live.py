"""Situations of what answers at the address, of models, of the computer, and of the running plugin."""

import contextlib
import ssl
import subprocess

import psutil

from llamabar.demo.dialect import DemoModel
from tests.doctor.situations import SERVICE, settings, situation
from tests.fakes.programs import Stranger, chat, free_port, llama_swap

NO_ROUTE = "http://255.255.255.255:8080"  # the system says so at once
NETWORK = ("settings", "servers", "agents", "processes", "computer", "packages")


# what answers


@contextlib.contextmanager
def stranger(answer, **more):
    with Stranger(answer, **more) as other:
        yield {"LLAMABAR_URL": other.url}


def http(status, body=b"", kind="text/plain"):
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@situation("host-unknown", *NETWORK)
def _(well):
    yield {"LLAMABAR_URL": "http://no-such-host.invalid:8080"}


@situation("local-network-denied", *NETWORK)
def _(well):
    yield {"LLAMABAR_URL": NO_ROUTE}


@situation("host-unreachable", *NETWORK)
def _(well):
    well.script("sw_vers", "echo 14.6")
    yield {"LLAMABAR_URL": NO_ROUTE}
    well.script("sw_vers", "echo 26.1")


@situation("llama-swap-missing", *NETWORK)
def _(well):
    with well.out(), well.changed(well.plist, gone=True), well.changed(well.program, gone=True):
        yield {"LLAMABAR_URL": f"http://127.0.0.1:{free_port()}"}


@situation("nothing-runs-llama-swap", *NETWORK)
def _(well):
    with well.out(), well.changed(well.plist, gone=True):
        yield {"LLAMABAR_URL": f"http://127.0.0.1:{free_port()}"}


@situation("server-refuses", *NETWORK, *SERVICE)
def _(well):
    yield {"LLAMABAR_URL": f"http://127.0.0.1:{free_port()}"}


@situation("server-refuses-elsewhere", "settings", "servers", "computer")
def _(well):
    yield {"LLAMABAR_URL": f"http://{_own_address()}:{free_port()}"}


@situation("server-asleep", *NETWORK)
def _(well):
    with stranger(b"HTTP/1.1 204 No Content\r\n\r\n") as found:
        yield found


@situation("server-wants-tls", *NETWORK)
def _(well):
    with stranger(http("400 Bad Request", b"Client sent an HTTP request to an HTTPS server.\n")) as found:
        yield found


@situation("server-is-another-program", *NETWORK)
def _(well):
    with stranger(http("404 Not Found", b"<h1>Jenkins</h1>", "text/html")) as found:
        yield found


@situation("server-too-old", *NETWORK)
def _(well):
    with stranger(http("404 Not Found", b'{"running":[]}')) as found:
        yield found


@situation("address-unusable", *NETWORK)
def _(well):
    yield {"LLAMABAR_URL": "http://in valid:port"}


@situation("gateway-alone", *NETWORK)
def _(well):
    with stranger(http("502 Bad Gateway")) as found:
        yield found


@situation("login-needed", *NETWORK)
def _(well):
    asked = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="home"\r\nContent-Length: 0\r\n\r\n'
    with stranger(asked) as found:
        yield found


@situation("access-denied", *NETWORK)
def _(well):
    with stranger(http("403 Forbidden", b"<h1>Forbidden</h1>", "text/html")) as found:
        yield found


@situation("server-unusable", *NETWORK)
def _(well):
    with stranger(http("429 Too Many Requests")) as found:
        yield found


@contextlib.contextmanager
def certified(well, *valid):
    """A llama-swap over TLS with a certificate of its own making, for localhost."""
    key, certificate = well.home / "key.pem", well.home / "cert.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    words += ["-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost", "-addext"]
    subprocess.run([*words, "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with llama_swap() as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        yield server.url.replace("http:", "https:"), certificate


@situation("tls-refused", *NETWORK)
def _(well):
    with certified(well) as (url, certificate), settings(
        well, f"[[server]]\nurl = '{url}'\nca_file = '{certificate}'\n"
    ):  # it is trusted, and for another host
        yield {"LLAMABAR_URL": ""}


@situation("certificate-untrusted", *NETWORK)
def _(well):
    with certified(well) as (url, _):
        yield {"LLAMABAR_URL": url.replace("127.0.0.1", "localhost")}


@situation("server-moved", *NETWORK)
def _(well):
    moved = b"HTTP/1.1 301 Moved\r\nLocation: /llm/api/events\r\nContent-Length: 0\r\n\r\n"
    with stranger(moved) as found:
        yield found


@situation("events-blocked", *NETWORK)
def _(well):
    through = http("200 OK", b'{"running":[],"version":"v250"}')
    with stranger(lambda heard: http("404 Not Found") if b" /api/events " in heard else through) as found:
        yield found


@situation("key-needed", *NETWORK)
def _(well):
    with llama_swap(api_key="sk-right") as server:
        yield {"LLAMABAR_URL": server.url}


@situation("key-wrong", *NETWORK)
def _(well):
    with llama_swap(api_key="sk-right") as server:
        yield {"LLAMABAR_URL": server.url, "LLAMABAR_API_KEY": "sk-wrong"}


@situation("key-over-plain-http", "settings")
def _(well):
    yield {"LLAMABAR_URL": "http://192.0.2.1:8080", "LLAMABAR_API_KEY": "sk-open"}


def _own_address():
    """Return an address of this computer that isn't loopback."""
    found = [one.address for all_of_one in psutil.net_if_addrs().values() for one in all_of_one if one.family == 2]
    return next((address for address in found if not address.startswith("127.")), "10.255.255.1")


# llama-swap and its models

LIVE = ("settings", "servers", "processes", "agents", "packages")


@situation("llama-swap-old", *LIVE)
def _(well):
    with llama_swap("v228") as server:
        yield {"LLAMABAR_URL": server.url}


@situation("models-missing", *LIVE)
def _(well):
    with llama_swap(models=()) as server:
        yield {"LLAMABAR_URL": server.url}


@situation("model-failed", *LIVE)
def _(well):
    with llama_swap(models=(DemoModel("broken", load_s=0.05, broken=True),)) as server:
        chat(server, "broken").join()
        yield {"LLAMABAR_URL": server.url}


@situation("model-server-left-behind", *LIVE)
def _(well):
    words = ["llama-server", "-c", "sleep 60; :", "x", "--port", "5801"]
    start = f"import os\npid = os.fork()\nprint(pid) if pid else (os.dup2(2, 1), os.execv('/bin/sh', {words}))"
    pid = int(well.mac.run(well.mac.python, "-c", start, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
    yield {}
    well.mac.kill(pid)


# the computer


@situation("memory-short", "computer", "servers", "settings")
def _(well):
    well.sysctl(kern__memorystatus_vm_pressure_level=4)
    yield {}
    well.sysctl()


# the running plugin

PLUGIN = ("watcher", "program", "swiftbar", "settings", "servers")


def noted(finding, **more):
    def make(well):
        well.note(**more)
        yield {}
        well.note()

    situation(finding, *PLUGIN)(make)


noted("watcher-died", pid=999_999)
noted("watcher-not-running", pid=999_999, ended=True)
noted("watcher-of-another-version", version="0.0.9")
noted("watcher-sees-nothing", reachable=False)


@situation("watcher-blocked", *PLUGIN, "computer")
def _(well):
    well.note(reachable=False, last_error="no_route")
    with llama_swap() as server:
        yield {"LLAMABAR_URL": server.url.replace("127.0.0.1", "0")}  # this computer too, though not by its name
    well.note()


