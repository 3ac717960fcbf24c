"""A page of metrics: the same as the library writes for the same points, compressed or not, in every format."""

import gzip
import subprocess
import sys

import pytest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as open_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics

from llamabar.export import families as of
from llamabar.export.encode import PIECE_BYTES, Scrape
from llamabar.export.families import Buckets
from tests.fakes.exporter import samples

HOSTILE = ('say "hi"', "two\nlines", "back\\slash\\n", "日本語🦙", "x" * 400, "a|b{c=},", " ", "")
NUMBERS = (0.0, 1.0, 1.5, 0.1, 1e6, 123456789.0, 2.5e10, 1e21, 1e-9, float("inf"))
OPEN = "application/openmetrics-text; version=1.0.0"
SPREAD = Buckets((0.1, 1.0, 1e6), (0, 2, 3, 2_000_000), 1234567.000001)


class Registry:
    def __init__(self, *metrics):
        self.collect = lambda: metrics


def by_the_library(names):
    """Return a registry with the points of `ours`."""
    counter = CounterMetricFamily(of.PROMPT.name, of.PROMPT.says, labels=of.PROMPT.labels)
    gauge = GaugeMetricFamily(of.HOST_USED.name, of.HOST_USED.says)
    spread = HistogramMetricFamily(of.DURATION.name, of.DURATION.says, labels=of.DURATION.labels)
    buckets = list(zip([*map(str, SPREAD.bounds), "+Inf"], SPREAD.counts))
    for name in names:
        for number, value in enumerate(NUMBERS):
            counter.add_metric((name, str(number)), value)
        spread.add_metric((name, "m"), [("1e+06" if le == "1000000.0" else le, n) for le, n in buckets], SPREAD.sum)
    gauge.add_metric((), 5.0)
    return Registry(counter, spread, gauge)


def ours(names):
    scrape = Scrape()
    for name in names:
        own = Scrape()
        for number, value in enumerate(NUMBERS):
            own.put(of.PROMPT, (name, str(number)), value)
        own.put(of.DURATION, (name, "m"), SPREAD)
        scrape.put(of.GENERATED, (name, "m"), None)
        scrape.add(own.lines())
    scrape.put(of.HOST_USED, (), 5.0)
    return scrape


def sorted_samples(found):
    return sorted((name, sorted(labels.items()), value) for name, labels, value in found)


def sorted_open(text):
    return sorted_samples((one.name, one.labels, one.value) for kind in open_metrics(text) for one in kind.samples)


def heads(text):
    return sorted(line for line in text.splitlines() if line.startswith("#"))


def test_a_page_equals_the_librarys_page_for_the_same_points():
    plain = b"".join(ours(HOSTILE).page("").pieces()).decode()
    library = generate_latest(by_the_library(HOSTILE)).decode()
    assert sorted_samples(samples(plain)) == sorted_samples(samples(library))
    assert heads(plain) == heads(library)

    plain = b"".join(ours(HOSTILE).page(OPEN).pieces()).decode()
    library = open_latest(by_the_library(HOSTILE)).decode()
    assert sorted_open(plain) == sorted_open(library) and plain.endswith("\n# EOF\n")
    assert heads(plain) == heads(library)


@pytest.mark.parametrize("names", [(), ("one",), tuple(f"server {number}" for number in range(200))])
def test_a_page_is_the_same_compressed_and_in_pieces(names):
    page = ours(names).page("")
    pieces = list(page.pieces())
    assert b"".join(pieces) == gzip.decompress(page.packed) == b"".join(page.pieces())
    assert sum(map(len, pieces)) == page.size_bytes and max(map(len, pieces)) <= PIECE_BYTES


@pytest.mark.parametrize(("accept", "content_type"), [
    ("", "text/plain; version=0.0.4; charset=utf-8"),
    ("text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8"),
    ("text/plain;version=1.0.0;escaping=allow-utf-8", "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"),
    ("text/plain;version=x", "text/plain; version=0.0.4; charset=utf-8"),
    ("text/plain;version=1.x", "text/plain; version=0.0.4; charset=utf-8"),
    (OPEN, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"),
    ("application/openmetrics-text", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    ("application/openmetrics-text;version=2.0.0", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    (f"application/openmetrics-text;version=9.{'9' * 5000}", "application/openmetrics-text; version=1.0.0"),
    ("application/openmetrics-text;version=\xe9", "text/plain; version=0.0.4; charset=utf-8"),
    ("application/openmetrics-text;version=1.0.0;q=0", "text/plain; version=0.0.4; charset=utf-8"),
    (f"{OPEN};q=0.4,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "text/plain; version=0.0.4; charset=utf-8"),
    (f"text/plain;version=0.0.4;q=0.4,{OPEN}; Q=0.5,*/*;q=0.1", "application/openmetrics-text; version=1.0.0"),
    ("text/html,application/xml;q=0.9,*/*;q=0.8", "text/plain; version=0.0.4; charset=utf-8"),
    (f"{OPEN};q=much", "application/openmetrics-text; version=1.0.0"),
])  # fmt: skip
def test_the_format_is_always_one_that_we_write(accept, content_type):
    page = ours(("one",)).page(accept)
    assert page.content_type.startswith(content_type) and len(page.content_type) < 100
    text = b"".join(page.pieces()).decode()
    assert text.endswith("# EOF\n") is ("openmetrics" in content_type)
    assert sorted_open(text) if "openmetrics" in content_type else samples(text)


def test_the_library_works_without_tls_and_leaves_nothing_behind():
    script = """
import sys
from llamabar.sources.without_tls import without_tls
assert without_tls(["http://127.0.0.1:1"])
from llamabar.export import encode, exporter, families, library, listener, pages
scrape = encode.Scrape()
scrape.put(families.UP, ("a",), 1.0)
print(b"".join(scrape.page("").pieces()).decode())
assert sys.modules["ssl"] is None and "_ssl" not in map(str, filter(sys.modules.get, sys.modules))
import urllib.request, wsgiref.simple_server
assert urllib.request.urlopen.__module__ == "urllib.request"
assert wsgiref.simple_server.WSGIServer.__module__ == "wsgiref.simple_server"
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 'llamabar_server_up{server="a"} 1\n' in done.stdout
