"""`export` as a real process, and its output as samples."""

import contextlib
import http.client
import re
import signal
import subprocess

from prometheus_client.parser import text_string_to_metric_families

from tests.fakes.programs import PATIENCE_S, command, environment, wait_for


class Exporter:
    """The exporter of one server, or of a settings file, on its own port."""

    def __init__(self, url, home, *options, listen="127.0.0.1:0", **more):
        env = environment(home, LLAMABAR_DATA_DIR=str(home / "data"), **({"LLAMABAR_URL": url} if url else {}), **more)
        words = [*command(), "export", "--listen", listen, *options]
        self.process = subprocess.Popen(words, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.said, found = "", None
        while not found:
            line = self.process.stderr.readline()
            self.said += line
            found = re.search(r"http://(\S+):(\d+)/metrics", line)
            assert line, self.said
        self.port = int(found[2])

    def get(self, path="/metrics", *, method="GET", body=None, **headers):
        """Return the status, headers and body of an answer."""
        caller = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        with contextlib.closing(caller):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            caller.request(method, path, body, headers=named)
            answer = caller.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def samples(self):
        """Return the samples of a scrape."""
        status, _, text = self.get()
        assert status == 200, text
        return samples(text.decode())

    def wait_for(self, name, value=None, **labels):
        """Return the value of a sample once it exists, or equals `value`, or is accepted by the function `value`."""
        wanted = value if callable(value) else (lambda found: value is None or found == value)

        def _look():
            found = value_of(self.samples(), name, **labels)
            return [found] if found is not None and wanted(found) else None

        return wait_for(_look, every_s=0.25)[0]

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()


def samples(text):
    """Return every sample of a scrape: name, labels, value."""
    return [
        (one.name, one.labels, one.value) for family in text_string_to_metric_families(text) for one in family.samples
    ]


def value_of(found, name, **labels):
    """Return the value of the one sample with this name and these labels, None if there is none."""
    values = [value for one, of, value in found if one == f"llamabar_{name}" and labels.items() <= of.items()]
    assert len(values) < 2, values
    return values[0] if values else None


def gone_back(before, after):
    """Return the names of counters and histograms that decreased or disappeared."""
    now = {(name, tuple(sorted(of.items()))): value for name, of, value in after}
    counting = [
        ((name, tuple(sorted(of.items()))), value) for name, of, value in before
        if re.search(r"_(total|bucket|count|sum)$", name) and KEPT.match(name)
    ]  # fmt: skip
    assert counting
    return [(key, value, now.get(key)) for key, value in counting if now.get(key, -1.0) < value]


KEPT = re.compile(r"llamabar_(requests|prompt|cached|generated|request)_")  # these continue after a restart
