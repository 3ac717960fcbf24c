"""A forwarded port, as `ssh -L` and containers make one: connections cross into another network namespace by a socket.

    forward.py --listen 127.0.0.1:9000 --to unix:/path        forward.py --listen unix:/path --to 127.0.0.1:8080
"""

import argparse
import os
import socket
import sys
import threading


def opened(address, *, listening):
    """Return a socket that listens at, or is connected to, unix:PATH or HOST:PORT."""
    if address.startswith("unix:"):
        path = address[5:]
        found = socket.socket(socket.AF_UNIX)
        if listening and os.path.exists(path):
            os.unlink(path)
        (found.bind if listening else found.connect)(path)
    else:
        host, port = address.rsplit(":", 1)
        found = socket.socket()
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        (found.bind if listening else found.connect)((host, int(port)))
    if listening:
        found.listen(64)
    return found


def copy(source, target):
    """Copy one direction until its end, then shut down the other side."""
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            target.sendall(data)
    except OSError:
        pass
    for one, how in ((target, socket.SHUT_WR), (source, socket.SHUT_RD)):
        try:
            one.shutdown(how)
        except OSError:
            pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", required=True)
    parser.add_argument("--to", required=True)
    options = parser.parse_args()
    listener = opened(options.listen, listening=True)
    while True:
        client, _ = listener.accept()
        try:
            server = opened(options.to, listening=False)
        except OSError:
            client.close()
            continue
        for pair in ((client, server), (server, client)):
            threading.Thread(target=copy, args=pair, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
