"""Makes the Grafana dashboard, docs/grafana/llamabar.json, from a table of panels. Variables: server and model.

    python3 -m tools.dashboard      writes it
"""

import json
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Tuple

ROOT = Path(__file__).resolve().parent.parent
DASHBOARD = ROOT / "docs" / "grafana" / "llamabar.json"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
FLEET, SERVER, MODEL = "Fleet", "Servers: $server", "Models: $model"
WITHOUT = {"id": "organize", "options": {"excludeByName": {"Time": True, "Value": True}}}  # a table's columns: labels
OF_SERVER, OF_MODEL = 'server=~"$server"', 'server=~"$server", model=~"$model"'
COLUMNS, HEIGHT = 24, 8


class Panel(NamedTuple):
    """A panel: its row, title, unit, queries with the names of their lines, Grafana kind, and width."""

    row: str
    title: str
    unit: str
    queries: Tuple[Tuple[str, str], ...]
    kind: str = "timeseries"
    width: int = 8


def _rate(metric: str, labels: str, by: str = "server, model", more: str = "") -> str:
    return f"sum by ({by}) (rate(llamabar_{metric}{{{labels}{more}}}[$__rate_interval]))"


def _quantiles(metric: str, *shares: float) -> Tuple[Tuple[str, str], ...]:
    buckets = _rate(f"{metric}_bucket", OF_MODEL, "le, server, model")
    name = "{{server}}: {{model}} p"
    return tuple((f"histogram_quantile({one}, {buckets})", f"{name}{one * 100:.0f}") for one in shares)


_ALL, _FAILED = (_rate("requests_total", OF_SERVER, "server", more) for more in ("", ', outcome="failed"'))
PANELS = (
    Panel(FLEET, "Servers that respond", "none", (
        (f"sum(llamabar_server_up{{{OF_SERVER}}})", "up"), (f"count(llamabar_server_up{{{OF_SERVER}}})", "all"),
    ), "stat", 4),
    Panel(FLEET, "Status", "none", (
        (f"max by (server, status) (llamabar_server_status{{{OF_SERVER}}} == 1)", "{{server}}: {{status}}"),
    ), "table"),
    Panel(FLEET, "Requests a second", "reqps", ((_ALL, "{{server}}"),), width=6),
    Panel(FLEET, "Failed requests", "percentunit", ((f"{_FAILED} / ({_ALL} > 0)", "{{server}}"),), width=6),
    Panel(FLEET, "Generated tokens a second", "none", (
        (_rate("generated_tokens_total", OF_SERVER, "server"), "{{server}}"),
    ), width=12),
    Panel(FLEET, "Requests waiting", "none", ((f"llamabar_server_requests_waiting{{{OF_SERVER}}}", "{{server}}"),),
          width=12),
    Panel(SERVER, "Requests in flight", "none", (
        (f"llamabar_server_requests_in_flight{{{OF_SERVER}}}", "{{server}}"),
    )),
    Panel(SERVER, "Models by state", "none", ((f"llamabar_server_models{{{OF_SERVER}}}", "{{server}}: {{state}}"),)),
    Panel(SERVER, "Memory by model", "decbytes", (
        (f"llamabar_model_memory_bytes{{{OF_SERVER}}}", "{{server}}: {{model}}"),
    )),
    Panel(SERVER, "GPU and CPU", "percentunit", (
        (f"llamabar_server_gpu_ratio{{{OF_SERVER}}}", "GPU of {{server}}"),
        ("llamabar_host_cpu_ratio", "CPU of {{instance}}"),
    )),
    Panel(SERVER, "Memory of the exporter's computer", "percentunit", (
        ("llamabar_host_memory_used_bytes / llamabar_host_memory_total_bytes", "{{instance}}"),
    )),
    Panel(SERVER, "What watching costs", "Bps", (
        (_rate("watcher_read_bytes_total", OF_SERVER, "server"), "read from {{server}}"),
    )),
    Panel(MODEL, "Generation speed now (tok/s)", "none", (
        (f"llamabar_model_generation_tokens_per_second{{{OF_MODEL}}}", "{{server}}: {{model}}"),
    )),
    Panel(MODEL, "Generation speed of finished requests (tok/s)", "none",
          _quantiles("request_generation_tokens_per_second", 0.5, 0.1)),
    Panel(MODEL, "Time to first token", "s", _quantiles("request_first_token_seconds", 0.5, 0.95)),
    Panel(MODEL, "Request duration", "s", _quantiles("request_duration_seconds", 0.5, 0.95)),
    Panel(MODEL, "Tokens a second", "none", tuple(
        (_rate(f"{kind}_tokens_total", OF_MODEL), f"{{{{server}}}}: {{{{model}}}} {kind}")
        for kind in ("prompt", "cached", "generated")
    )),
    Panel(MODEL, "Load time (mean)", "s", ((
        f"sum by (server, model) (llamabar_model_load_seconds_sum{{{OF_MODEL}}})"
        f" / (sum by (server, model) (llamabar_model_load_seconds_count{{{OF_MODEL}}}) > 0)", "{{server}}: {{model}}",
    ),)),
    Panel(MODEL, "Failed loads and crashes in 15 min", "none", (
        (f"increase(llamabar_model_load_failures_total{{{OF_MODEL}}}[15m]) > 0", "{{server}}: {{model}} load failed"),
        (f"increase(llamabar_model_crashes_total{{{OF_MODEL}}}[15m])", "{{server}}: {{model}} crashed"),
    ), width=12),
    Panel(MODEL, "Time until unload", "s", (
        (f"llamabar_model_until_unload_seconds{{{OF_MODEL}}}", "{{server}}: {{model}}"),
    ), width=12),
)  # fmt: skip


def query(expression: str, *, interval: str, server: str = ".*", model: str = ".*") -> str:
    """Return a panel's query as Grafana sends it."""
    return expression.replace("$__rate_interval", interval).replace("$server", server).replace("$model", model)


def dashboard() -> Dict[str, Any]:
    """Return the dashboard as Grafana imports it."""
    panels: List[Dict[str, Any]] = []
    y = 0
    for row in dict.fromkeys(panel.row for panel in PANELS):
        panels.append({"type": "row", "title": row, "collapsed": False, "panels": [], **_at(0, y, COLUMNS, 1)})
        x, y = 0, y + 1
        for panel in (one for one in PANELS if one.row == row):
            if x + panel.width > COLUMNS:
                x, y = 0, y + HEIGHT
            panels.append(_panel(panel, x, y))
            x += panel.width
        y += HEIGHT
    for number, one in enumerate(panels, 1):
        one["id"] = number
    return {
        "title": "llamabar: llama-swap servers", "uid": "llamabar", "tags": ["llama-swap"], "schemaVersion": 38,
        "version": 1, "editable": True, "refresh": "30s", "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [
            {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
            _variable("server", "label_values(llamabar_server_up, server)"),
            _variable("model", 'label_values(llamabar_requests_total{server=~"$server"}, model)'),
        ]},
        "panels": panels,
    }  # fmt: skip


def _at(x: int, y: int, width: int, height: int) -> Dict[str, Any]:
    return {"gridPos": {"x": x, "y": y, "w": width, "h": height}}


def _panel(panel: Panel, x: int, y: int) -> Dict[str, Any]:
    is_table = panel.kind == "table"
    now = {"instant": True, "format": "table"} if is_table else {}
    targets = [
        {"expr": expression, "legendFormat": name, "refId": "ABCDEF"[number], "datasource": SOURCE, **now}
        for number, (expression, name) in enumerate(panel.queries)
    ]
    return {
        "type": panel.kind, "title": panel.title, "datasource": SOURCE, "targets": targets,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        **({"transformations": [WITHOUT]} if is_table else {}), **_at(x, y, panel.width, HEIGHT),
    }  # fmt: skip


def _variable(name: str, values: str) -> Dict[str, Any]:
    return {
        "name": name, "label": name.capitalize(), "type": "query", "datasource": SOURCE, "definition": values,
        "query": {"query": values, "refId": name}, "refresh": 2, "multi": True, "includeAll": True, "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]}, "sort": 1,
    }  # fmt: skip


def text() -> str:
    """Return the file's text."""
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    DASHBOARD.parent.mkdir(exist_ok=True)
    DASHBOARD.write_text(text(), "utf-8")
