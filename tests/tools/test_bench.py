"""The benchmark table: each figure with its unit, compared with an earlier run and with a simple plugin."""

import json

from tools.bench_rows import Row
from tools.reference_poller import frame

from tests.fakes.programs import ROOT, llama_swap
from tools import bench, bench_rows

ROWS = [Row("idle", "CPU", 0.117, "% of a core", 0.5), Row("news", "p95", 41.0, "ms"), Row("flood", "x", None, "ms")]


def test_a_row_shows_figure_unit_the_simple_plugin_and_the_earlier_figure():
    shown = bench_rows.line(ROWS[0], Row("idle", "CPU", 0.234, "% of a core"))
    assert "0.117 % of a core" in shown and "poller 0.5 (4.27 x)" in shown and "before 0.234 (-50 %)" in shown
    assert bench_rows.line(ROWS[2]).endswith("– ms")


def test_a_run_survives_json_and_makes_the_same_page(tmp_path):
    bench_rows.write(tmp_path, bench_rows.document(ROWS))
    said = json.loads((tmp_path / "performance.json").read_text())
    assert said["llamabar_json"] == 1 and bench_rows.load(tmp_path / "performance.json") == ROWS
    assert "| CPU | 0.117 | % of a core | 0.5 | 4.27 x |" in (tmp_path / "performance.md").read_text()


def test_a_remeasured_group_keeps_its_place():
    anew = [Row("idle", "CPU", 0.1, "% of a core"), Row("more", "y", 1.0, "ms")]
    assert bench_rows.merged(ROWS, anew) == [anew[0], *ROWS[1:], anew[1]]


def test_every_promise_is_measured():
    measured = {row.id for row in bench_rows.load(ROOT / "docs" / "performance.json")}
    assert set(bench_rows.PROMISES) <= measured


def test_a_figure_given_as_text_becomes_a_row():
    row = bench._row_of("latency", "change", "12 ms median, 1,030 ms p95")
    assert row == Row("latency", "change", 1030.0, "ms p95")


def test_the_page_is_made_from_the_kept_run():
    folder = ROOT / "docs"
    said = json.loads((folder / "performance.json").read_text("utf-8"))
    assert (folder / "performance.md").read_text("utf-8") == bench_rows.page(said), "python3 build.py bench --page"


def test_the_simple_plugin_shows_every_model_in_about_sixty_lines():
    with llama_swap() as server:
        lines = frame(server.url)
    assert "alpha-8b: stopped" in lines and any(line.startswith("llama-swap 250") for line in lines)
    assert len((ROOT / "tools" / "reference_poller.py").read_text().splitlines()) < 75
