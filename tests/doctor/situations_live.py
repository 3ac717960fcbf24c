"""Situations of what answers at the address, of models, of the computer, and of the plugin that runs."""

import contextlib
import ssl
import subprocess

import psutil

from llamabar.demo.dialect import DemoModel
from llamabar.store import plugin_state
from tests.doctor.situations import SERVICE, end, situation
from tests.fakes.programs import ROOT, Stranger, chat, free_port, llama_swap, wait_for

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
    yield {"LLAMABAR_URL": f"http://{_own_address()}:{free_port()}"}


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
    well.script("sw_vers", "echo 14.6")
    yield {"LLAMABAR_URL": f"http://{_own_address()}:{free_port()}"}
    well.script("sw_vers", "echo 26.1")


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


@situation("tls-refused", *NETWORK)
def _(well):
    key, certificate = well.home / "key.pem", well.home / "cert.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    words += ["-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(words, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with llama_swap() as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        yield {"LLAMABAR_URL": server.url.replace("http:", "https:")}


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
    """An address of this computer that is not loopback."""
    found = [one.address for all_of_one in psutil.net_if_addrs().values() for one in all_of_one if one.family == 2]
    return next((address for address in found if not address.startswith("127.")), "10.255.255.1")



# llama-swap and its models

LIVE = ("settings", "servers", "processes", "agents", "packages")


@contextlib.contextmanager
def ready(**more):
    """A llama-swap with one model that is ready."""
    with llama_swap(models=(DemoModel("alpha", load_s=0.05, tps=500.0, **more),)) as server:
        chat(server, "alpha", tokens=1).join()
        yield server


OF_THE_USER = """
import signal, sys, time
sys.path.insert(0, {source!r})
from llamabar.demo import modelserver
from llamabar.demo.dialect import DemoModel
from llamabar.demo.load import ask
from llamabar.demo.server import DemoServer
from llamabar.demo.world import World

class Closed(modelserver.Handler):
    def props(self):
        return {{**super().props(), "endpoint_slots": False}}

if "--port" in sys.argv:
    modelserver.Handler = Closed
    sys.exit(modelserver.main())
server = DemoServer(World("v250", (DemoModel("alpha", load_s=0.05, tps=500.0, ttl_s=60),)), 0, "").start()
process = server.world.processes["alpha"]
process.program = [sys.executable, {file!r}]
ask(server.url[len("http://"):], "alpha", 1, 1)
if {hangs}:
    process.child.send_signal(signal.SIGSTOP)
print(server.url, process.child.pid, flush=True)
time.sleep(60)
"""


@contextlib.contextmanager
def of_the_user(well, *, hangs):
    """A llama-swap of the same user, whose model server is its child: it tells no slots, or takes callers and hangs."""
    file = well.mac.home / "served.py"
    file.write_text(OF_THE_USER.format(source=str(ROOT / "src"), file=str(file), hangs=hangs))
    with well.mac.popen(well.mac.python, file, stdout=subprocess.PIPE, text=True) as process:
        url, pid = process.stdout.readline().split()
        yield {"LLAMABAR_URL": url}
        well.mac.kill(int(pid))
        process.kill()
    file.unlink()


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


@situation("request-in-flight-for-long", *LIVE)
def _(well):
    with llama_swap() as server:
        entry = server.inflight.add("alpha-8b", "/v1/chat/completions", "POST", {})
        entry.began_s -= 700
        yield {"LLAMABAR_URL": server.url}



@situation("llama-swap-twice", *LIVE)
def _(well):
    words = (well.program, "--config", well.config, "--listen", f"127.0.0.1:{free_port()}")
    other = well.mac.popen(*words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: well.ask("settings", "processes").findings["llama-swap-twice"].level == "note")
    yield {}
    end(other)


@situation("model-server-silent", *LIVE)
def _(well):
    with of_the_user(well, hangs=True) as environment:
        yield environment


@situation("slots-closed", *LIVE)
def _(well):
    with of_the_user(well, hangs=False) as environment:
        yield environment


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



@situation("python-translated", "computer", "program")
def _(well):
    well.sysctl(sysctl__proc_translated=1)
    yield {}
    well.sysctl()



# the plugin that runs

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
noted("watcher-reconnects-often", reconnects=500)
noted("watcher-lags", lagged=2)
noted("watcher-prints-much", printed_bytes=50_000_000)
noted("watcher-sees-nothing", reachable=False)


@situation("watcher-state-damaged", *PLUGIN)
def _(well):
    with well.changed(plugin_state.path_in(well.data), "{"):
        yield {}
