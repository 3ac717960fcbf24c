"""A proxy between a program and a server that records every request; it can remove a path prefix, and TLS."""

import contextlib
import socket
import threading
import time

from tests.fakes.programs import accept


class Recorder:
    """Listens on its own port and forwards everything. `requests`: (time, method, path, headers)."""

    def __init__(self, target_port, *, prefix="", tls=None):
        self.target_port, self.prefix, self.tls = target_port, prefix, tls
        self.requests = []
        self.altered = lambda piece: piece  # applied to what the server sends
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.listener.getsockname()[1]}{prefix}"
        threading.Thread(target=accept, args=(self.listener, self._pass), daemon=True).start()

    def routes(self, since=0):
        return [f"{method} {path}" for _, method, path, _ in self.requests[since:]]

    def _secured(self, caller):
        return self.tls.wrap_socket(caller, server_side=True) if self.tls else caller

    def _pass(self, caller):
        with contextlib.suppress(OSError), self._secured(caller) as caller:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = caller.recv(65536)
                if not piece:
                    return
                head += piece
            method, path, rest = head.split(b" ", 2)
            path = path.decode()
            headers = rest.split(b"\r\n\r\n")[0].lower()
            self.requests.append((time.monotonic(), method.decode(), path, headers.decode()))
            if not path.startswith(self.prefix):
                caller.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", self.target_port)) as server:
                server.sendall(b" ".join((method, path[len(self.prefix) :].encode(), rest)))
                back = threading.Thread(target=pump, args=(server, caller, self.altered), daemon=True)
                back.start()
                pump(caller, server)
                back.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def pump(source, target, altered=lambda piece: piece):
    """Forward bytes until one side ends, and tell the other."""
    with contextlib.suppress(OSError):
        while True:
            piece = source.recv(65536)
            if not piece:
                break
            target.sendall(altered(piece))
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
