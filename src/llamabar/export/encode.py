"""From points to the bytes of a scrape, in the format that the scraper prefers; prometheus-client writes them.

It takes some 10 µs for a line, and most lines say what they said at the last scrape: so each point's lines are kept,
and only points that changed are written anew.
"""

from typing import Callable, Dict, List, Mapping, NamedTuple, Tuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from llamabar.export.counts import Spread
from llamabar.export.families import Family, Labels, Scrape, Type, Value

FORMATS_KEPT = 2  # Prometheus asks for one, people's browsers for another
END = b"# EOF\n"  # of OpenMetrics


class Written(NamedTuple):
    """A point and its lines."""

    value: Value
    lines: bytes


class _One:
    """A registry of one family."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> List[Metric]:
        """Return the family."""
        return [self._metric]


class Encoder:
    """Writes scrapes. `text` may be called by one thread at a time."""

    def __init__(self) -> None:
        self._kept: Dict[str, Dict[Family, Dict[Labels, Written]]] = {}

    def text(self, scrape: Scrape, *, accept: str) -> Tuple[bytes, str]:
        """Return the bytes and their content type; `accept` is the scraper's header, "" for none."""
        write, content_type = choose_encoder(accept)
        kept = self._kept.pop(content_type, {})
        self._kept[content_type] = kept
        for oldest in list(self._kept)[:-FORMATS_KEPT]:
            del self._kept[oldest]
        parts: List[bytes] = []
        for family, points in scrape.points.items():
            if points:
                known = kept.get(family, {})
                kept[family] = written = _written(family, points, known, write)
                parts.append(_head(family, write))
                parts += [one.lines for one in written.values()]
        return b"".join([*parts, END] if "openmetrics" in content_type else parts), content_type


def _written(
    family: Family, points: Mapping[Labels, Value], known: Mapping[Labels, Written], write: Callable[[_One], bytes]
) -> Dict[Labels, Written]:
    """Return every point with its lines, only the changed ones written anew."""
    old = {labels: one for labels, one in known.items() if points.get(labels) == one.value}
    new = [(labels, value) for labels, value in points.items() if labels not in old]
    found = {**old, **dict(zip((labels for labels, _ in new), _lines(family, new, write)))} if new else old
    return {labels: found[labels] for labels in points}


def _lines(family: Family, points: List[Tuple[Labels, Value]], write: Callable[[_One], bytes]) -> List[Written]:
    lines = [line for line in write(_One(_metric(family, points))).split(b"\n")[:-1] if not line.startswith(b"#")]
    each = len(lines) // len(points)
    return [
        Written(value, b"".join(line + b"\n" for line in lines[at * each : (at + 1) * each]))
        for at, (_, value) in enumerate(points)
    ]


def _head(family: Family, write: Callable[[_One], bytes]) -> bytes:
    return b"".join(
        line + b"\n"
        for line in write(_One(_metric(family, []))).split(b"\n")
        if line.startswith(b"# ") and line != END[:-1]
    )


def _metric(family: Family, points: List[Tuple[Labels, Value]]) -> Metric:
    if family.type is Type.HISTOGRAM:
        histogram = HistogramMetricFamily(family.name, family.says, labels=family.labels)
        for labels, value in points:
            assert isinstance(value, Spread)
            bounds = [*map(str, map(float, value.bounds)), "+Inf"]
            histogram.add_metric(labels, list(zip(bounds, map(float, value.counts))), value.sum)
        return histogram
    kind = CounterMetricFamily if family.type is Type.COUNTER else GaugeMetricFamily
    metric = kind(family.name, family.says, labels=family.labels)
    for labels, value in points:
        assert not isinstance(value, Spread)
        metric.add_metric(labels, value)
    return metric
