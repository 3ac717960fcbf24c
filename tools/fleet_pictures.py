"""Draws the dashboard's panels from a real Prometheus's answers to their queries.

Two demo llama-swaps work for a while, the built file's exporter watches them, and Prometheus scrapes it.

    python3 build.py fleet    writes docs/pictures/fleet-1.svg to -3.svg in two minutes; needs prometheus on PATH
"""

import random
import subprocess
import sys
import tempfile
import threading
import time
from html import escape
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from llamabar.demo.dialect import DemoModel  # noqa: E402
from llamabar.demo.load import ask  # noqa: E402
from llamabar.demo.server import DemoServer  # noqa: E402
from llamabar.demo.world import World, free_port  # noqa: E402
from tools.dashboard import COLUMNS, PANELS, Panel, query  # noqa: E402
from tools.prometheus import MISSING, Prometheus  # noqa: E402

PYZ = ROOT / "dist" / "llamabar.pyz"
PICTURES = ROOT / "docs" / "pictures"
MODELS = (
    DemoModel("qwen3-30b", ttl_s=30, load_s=2.0, tps=60.0, prompt_tps=900.0, slots=2),
    DemoModel("coder-32b", ttl_s=45, load_s=3.0, tps=25.0, prompt_tps=500.0, slots=1),
    DemoModel("broken-7b", load_s=1.0, broken=True),
)
WORK_S, STEP_S = 100.0, 2
COLUMN_PX, ROW_PX, GAP_PX = 50, 210, 8
COLOURS = ("#2f6fb2", "#c8552b", "#3b8f4e", "#8a57b0", "#a37a12", "#5c6570")
STYLE = (
    "text{font:11px -apple-system,Segoe UI,Helvetica,Arial,sans-serif;fill:#3a3f45}.t{font-weight:600;font-size:12px}"
    ".n{font-size:34px;font-weight:600}.b{fill:#fff;stroke:#d7dbe0}.g{stroke:#e8ebee}polyline{fill:none;stroke-width:1.6}"
)

Points = List[Tuple[float, float]]  # Unix time in seconds, value


def main() -> int:
    """Make the pictures; return the exit code."""
    if MISSING:
        print(f"No pictures: {MISSING}.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as home:
        drawn = _drawn(Path(home))
    for number, (_, picture) in enumerate(drawn, 1):
        (PICTURES / f"fleet-{number}.svg").write_text(picture, "utf-8")
    return 0


def _drawn(home: Path) -> List[Tuple[str, str]]:
    servers = {name: DemoServer(World("v250", MODELS)).start() for name in ("mini", "studio")}
    for server in servers.values():
        server.world.has_gpu = True
    file, at = home / "config.toml", free_port()
    file.write_text("".join(f'[[server]]\nname = "{name}"\nurl = "{one.url}"\n' for name, one in servers.items()))
    words = [str(PYZ), "export", "--config", str(file), "--listen", f"127.0.0.1:{at}"]
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LLAMABAR_PYTHON": sys.executable}
    exporter = subprocess.Popen(words, env=environment)
    try:
        with Prometheus(at, home / "prometheus") as prometheus:
            prometheus.wait_for("sum(llamabar_server_up) == 2")
            began_s = time.time()
            for number, server in enumerate(servers.values()):
                for seed in (number, number + 7):
                    threading.Thread(target=_work, args=(server, seed), daemon=True).start()
            time.sleep(WORK_S)
            rows = dict.fromkeys(panel.row for panel in PANELS)
            return [(row, _picture([one for one in PANELS if one.row == row], prometheus, began_s)) for row in rows]
    finally:
        exporter.terminate()
        exporter.wait()
        for server in servers.values():
            server.stop()


def _work(server: DemoServer, seed: int) -> None:
    """Send one request after another until the time is over."""
    chance, ends_s = random.Random(seed), time.monotonic() + WORK_S * 0.8
    while time.monotonic() < ends_s:
        model = chance.choices(("qwen3-30b", "coder-32b", "broken-7b"), (8, 2, 1))[0]
        ask(server.url[7:], model, chance.randint(40, 300), chance.randint(10, 400))
        time.sleep(chance.random() * 4)


def _picture(panels: List[Panel], prometheus: Prometheus, began_s: float) -> str:
    x, y, parts = 0, 0, []
    for panel in panels:
        if x + panel.width > COLUMNS:
            x, y = 0, y + ROW_PX
        width = panel.width * COLUMN_PX - GAP_PX
        drawn = "".join(_panel(panel, list(_series(panel, prometheus, began_s)), width, began_s))
        parts.append(f'<g transform="translate({x * COLUMN_PX},{y})">{drawn}</g>')
        x += panel.width
    size = f'width="{COLUMNS * COLUMN_PX}" height="{y + ROW_PX}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{STYLE}</style>'
        f'<rect width="100%" height="100%" fill="#f4f5f7"/>{"".join(parts)}</svg>\n'
    )


def _series(panel: Panel, prometheus: Prometheus, began_s: float) -> Iterator[Tuple[str, Points]]:
    """Yield the name and points of each line in a panel."""
    for expression, name in panel.queries:
        asked = query(expression, interval="20s")
        result: List[Dict[str, Any]] = prometheus.get(
            "query_range", query=asked, start=began_s, end=began_s + WORK_S, step=STEP_S
        )["result"]
        if not result:
            raise SystemExit(f"{panel.title}: nothing for {asked}")
        for one in result:
            named = name
            for label, value in one["metric"].items():
                named = named.replace(f"{{{{{label}}}}}", value)
            yield named, [(at_s, float(value)) for at_s, value in one["values"] if value != "NaN"]


def _panel(panel: Panel, found: List[Tuple[str, Points]], width: int, began_s: float) -> Iterator[str]:
    height = ROW_PX - GAP_PX
    yield f'<rect class="b" width="{width}" height="{height}" rx="4"/>'
    yield f'<text class="t" x="10" y="18">{panel.title}</text>'
    if panel.kind == "stat":
        for number, (name, points) in enumerate(found):
            yield f'<text class="n" x="20" y="{75 + number * 60}">{points[-1][1]:g}</text>'
            yield f'<text x="60" y="{75 + number * 60}">{escape(name)}</text>'
        return
    if panel.kind == "table":
        last_s = max(points[-1][0] for _, points in found)
        now = sorted(name for name, points in found if points[-1][0] == last_s)
        for number, name in enumerate(now):
            yield f'<text x="20" y="{50 + number * 22}">{escape(name)}</text>'
        return
    named = sorted({name for name, _ in found})
    lines = -(-min(len(named), 6) // 2)
    left, top, right, bottom = 62, 30, width - 10, height - 22 - lines * 14
    highest = max((value for _, points in found for _, value in points), default=0.0) or 1.0
    for share in (0.0, 0.5, 1.0):
        y = bottom - (bottom - top) * share
        yield f'<line class="g" x1="{left}" x2="{right}" y1="{y:.0f}" y2="{y:.0f}"/>'
        yield f'<text x="{left - 6}" y="{y + 4:.0f}" text-anchor="end">{_said(highest * share, panel.unit)}</text>'
    for name, points in found:
        colour = COLOURS[named.index(name) % len(COLOURS)]
        for piece in _pieces(points):
            across = [left + (right - left) * (at_s - began_s) / WORK_S for at_s, _ in piece]
            up = [bottom - (bottom - top) * value / highest for _, value in piece]
            places = " ".join(f"{x:.0f},{y:.1f}" for x, y in zip(across, up))
            yield f'<polyline stroke="{colour}" points="{places}"/>'
    for number, name in enumerate(named[:6]):
        x, y = 12 + number % 2 * (width // 2), height - 8 - (lines - 1 - number // 2) * 14
        yield f'<rect x="{x}" y="{y - 8}" width="9" height="9" fill="{COLOURS[number]}"/>'
        more = f" (+ {len(named) - 6} more)" if number == 5 and len(named) > 6 else ""
        yield f'<text x="{x + 14}" y="{y}">{escape(name)}{more}</text>'


def _pieces(points: Points) -> Iterator[Points]:
    """Yield the parts of a line between gaps. A single point becomes a short line."""
    piece: Points = []
    for point in points:
        if piece and point[0] - piece[-1][0] > STEP_S * 1.5:
            yield piece
            piece = []
        piece.append(point)
    if piece:
        yield piece if len(piece) > 1 else [*piece, (piece[0][0] + STEP_S / 2, piece[0][1])]


def _said(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{value:.0%}"
    if unit in ("decbytes", "Bps"):
        step = 2 if value >= 1e6 else 1
        return f"{value / 1000**step:.3g} {('kB', 'MB')[step - 1]}" + ("/s" if unit == "Bps" else "")
    return f"{value:.3g}{' s' if unit == 's' else ''}"


if __name__ == "__main__":
    sys.exit(main())
