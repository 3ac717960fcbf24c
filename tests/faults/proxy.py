"""A proxy between a watcher and a llama-swap that fails the way networks and servers do."""

import contextlib
import socket
import struct
import threading
import time

from tests.fakes.programs import accept

AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: a close is a reset


class Proxy:
    """Forwards bytes until told to do something else; its behavior can be changed while it runs.

    `streams`: how often the event stream was requested. `asked`: the first line of every request.
    """

    def __init__(self, target_port):
        self._target_port = target_port
        self._open = []
        self._lock = threading.Lock()
        self.asked = []
        self._flows = threading.Event()
        self.pass_on()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._serve()

    @property
    def streams(self):
        return sum("/api/events" in line for line in self.asked)

    def pass_on(self):
        """Forward normally."""
        self._answer = self._piece = None
        self._pause_s = self._hold_s = 0.0
        self._flows.set()

    def answer(self, raw, *, hold_s=0.0, piece=None, pause_s=0.0):
        """Answer every request with these bytes, or with what `raw` returns for it, and close open connections."""
        self._answer, self._hold_s, self._piece, self._pause_s = raw, hold_s, piece, pause_s
        self.cut()

    def trickle(self, piece, pause_s):
        """Forward the server's answers in small pieces, from the next connection on."""
        self._piece, self._pause_s = piece, pause_s
        self.cut()

    def freeze(self):
        """Accept connections and bytes, and forward nothing."""
        self._flows.clear()

    def lose(self):
        """Silently stop forwarding on open connections; new ones work, as after a change of network."""
        with self._lock:
            self._open = []
        self._flows.clear()
        self._flows = threading.Event()
        self._flows.set()

    def refuse(self):
        """Stop listening, and close open connections."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes the accepting thread: closing alone doesn't
        self.listener.close()
        self.cut()

    def listen(self):
        """Listen again, at the same port."""
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self._serve()

    def cut(self, *, reset=False, half=False):
        """Close open connections: in order, by a reset, or only in the server's direction."""
        with self._lock:
            ended, self._open = self._open, []
        for caller in ended:
            with contextlib.suppress(OSError):
                if reset:
                    caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
                caller.shutdown(socket.SHUT_RD if reset else socket.SHUT_WR if half else socket.SHUT_RDWR)

    def close(self):
        self._flows.set()
        self.refuse()

    def _serve(self):
        threading.Thread(target=accept, args=(self.listener, self._take), daemon=True).start()

    def _take(self, caller):
        with self._lock:
            self._open.append(caller)
        with contextlib.suppress(OSError), caller:
            head = caller.recv(65536)
            self.asked.append(head.split(b"\r\n")[0].decode("latin-1"))
            if self._answer is not None:
                self._send(caller, self._answer(head) if callable(self._answer) else self._answer)
                time.sleep(self._hold_s)
                return
            flows = self._flows
            with socket.create_connection(("127.0.0.1", self._target_port)) as server:
                server.sendall(head)
                threading.Thread(target=self._back, args=(server, caller, flows), daemon=True).start()
                while True:
                    sent = caller.recv(65536)
                    if not sent:
                        break
                    server.sendall(sent)

    def _back(self, server, caller, flows):
        with contextlib.suppress(OSError):
            while True:
                piece = server.recv(65536)
                flows.wait()
                if not piece:
                    break
                self._send(caller, piece)
            caller.shutdown(socket.SHUT_WR)

    def _send(self, caller, raw):
        step, pause_s = self._piece or len(raw) or 1, self._pause_s
        for at in range(0, len(raw), step):
            caller.sendall(raw[at : at + step])
            time.sleep(pause_s)
