"""Prometheus itself: it scrapes an exporter that watches the demo, checks the rules, and answers the dashboard."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap

import pytest
from tools.prometheus import MISSING, RULES, Prometheus

from llamabar.export.families import FAMILIES
from tests.fakes.exporter import Exporter
from tests.fakes.programs import PATIENCE_S, ROOT, chat, command, free_port, llama_swap, run
from tools import dashboard

needs_prometheus = pytest.mark.skipif(bool(MISSING), reason=MISSING)


def promtool(*words, said=None):
    done = subprocess.run(["promtool", *words], input=said, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs_prometheus
def test_promtool_accepts_the_rules_and_each_alert_fires_when_it_should():
    assert "SUCCESS: 9 rules found" in promtool("check", "rules", str(RULES))
    files = ("tests/export/alerts_test.yml", "tests/export/alerts_week_test.yml")
    promtool("test", "rules", *files)
    tested = "".join((ROOT / file).read_text() for file in files)
    alerts = set(re.findall(r"- alert: (\w+)", RULES.read_text()))
    assert alerts == set(re.findall(r"alertname: (\w+)\n", tested)), "each is seen to fire"


@needs_prometheus
def test_prometheus_scrapes_it_and_every_query_of_the_dashboard_has_data(tmp_path):
    at = free_port()
    with llama_swap() as server, Prometheus(at, tmp_path / "prometheus") as prometheus:
        server.world.has_gpu = True
        with Exporter(server.url, tmp_path, listen=f"127.0.0.1:{at}") as exporter:
            prometheus.wait_for("llamabar_server_up == 1")
            chat(server, "broken-1b", tokens=5).join(20)
            prometheus.wait_for("llamabar_model_failing == 1")
            for _ in range(3):
                chat(server, "alpha-8b", tokens=60, words=40).join(20)
            exporter.wait_for("requests_total", 3.0, model="alpha-8b", outcome="ok")
            prometheus.wait_for('llamabar_requests_total{model="alpha-8b", outcome="ok"} == 3')
            assert promtool("check", "metrics", said=exporter.get()[2].decode()) == ""

            chat(server, "alpha-8b", tokens=120)  # the GPU is reported only while a request is in flight
            queries = [expression for panel in dashboard.PANELS for expression, _ in panel.queries]
            for expression in sorted(queries, key=lambda one: "gpu" not in one):
                prometheus.wait_for(dashboard.query(expression, interval="1m"))
            for variable in dashboard.dashboard()["templating"]["list"][1:]:
                metric, label = re.fullmatch(r"label_values\((\w+).*, (\w+)\)", variable["definition"]).groups()
                assert prometheus.get(f"label/{label}/values", **{"match[]": metric})
            groups = prometheus.get("rules")["groups"]
            assert {rule["health"] for group in groups for rule in group["rules"]} <= {"ok", "unknown"}
            (target,) = prometheus.get("targets")["activeTargets"]
            assert (target["health"], target["lastError"]) == ("up", "")

            before = prometheus.query("sum(llamabar_generated_tokens_total)")[0]["value"][1]
            exporter.end()
            with Exporter(server.url, tmp_path, listen=f"127.0.0.1:{at}") as again:
                again.wait_for("requests_total", 4.0, model="alpha-8b", outcome="ok")
                chat(server, "alpha-8b", tokens=60).join(20)
                prometheus.wait_for('llamabar_requests_total{model="alpha-8b", outcome="ok"} == 5')
            for kept in ("requests_total", "generated_tokens_total", "request_duration_seconds_sum"):
                resets = prometheus.query(f"sum(resets(llamabar_{kept}[5m]))")
                assert resets[0]["value"][1] == "0", "Prometheus saw no counter go back"
            assert float(before) > 0
            prometheus.wait_for('ALERTS{alertname="LlamabarExporterDown", alertstate="pending"}')


def test_the_dashboard_matches_its_table_and_queries_only_existing_metrics():
    assert dashboard.DASHBOARD.read_text("utf-8") == dashboard.text(), "python3 -m tools.dashboard"
    panels = [panel for panel in json.loads(dashboard.text())["panels"] if panel["type"] != "row"]
    places = [(one["gridPos"]["x"], one["gridPos"]["y"]) for one in panels]
    assert len(set(places)) == len(places) and len(panels) == len(dashboard.PANELS)
    hidden = [one["transformations"][0]["options"]["excludeByName"] for one in panels if one["type"] == "table"]
    assert hidden == [{"Time": True, "Value": True}], "Grafana would show a column of ones"
    asked = set(re.findall(r"llamabar_\w+", dashboard.text() + RULES.read_text()))
    known = {family.name for family in FAMILIES} | {"llamabar_request_generation_tokens_per_second"}
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked} <= known


def test_without_prometheus_the_tests_say_why():
    assert bool(MISSING) is not bool(shutil.which("prometheus") and shutil.which("promtool"))
    assert not MISSING or "apt-get install prometheus" in MISSING


def test_the_documents_list_every_metric_as_the_exporter_describes_it():
    page = (ROOT / "docs" / "fleet.md").read_text("utf-8")
    rows = "\n".join(
        f"| `{one.name}` | {one.type.value} | {', '.join(one.labels)} | {one.says} |" for one in FAMILIES
    )
    assert rows in page, f"write there:\n{rows}"


def test_the_pictures_of_the_dashboard_show_its_panels_of_today():
    rows = dict.fromkeys(panel.row for panel in dashboard.PANELS)
    for number, row in enumerate(rows, 1):
        picture = (ROOT / "docs" / "pictures" / f"fleet-{number}.svg").read_text("utf-8")
        titles = [panel.title for panel in dashboard.PANELS if panel.row == row]
        assert re.findall(r'<text class="t"[^>]*>([^<]*)', picture) == titles, "python3 build.py fleet draws them again"


def written(beginning):
    """Return the text that docs/fleet.md tells the reader to write and that begins with these words."""
    page = (ROOT / "docs" / "fleet.md").read_text("utf-8")
    blocks = [textwrap.dedent(one) for one in re.findall(r"(?:^ {4}.*\n+)+", page, re.MULTILINE)]
    return "\n".join(one for one in blocks if one.startswith(beginning))


def test_the_settings_on_the_page_are_valid(tmp_path):
    folder = tmp_path / ".config" / "llamabar"
    folder.mkdir(parents=True)
    for name in ("studio.key", "scrape-token"):
        (folder / name).write_text("secret\n")
        (folder / name).chmod(0o600)
    (folder / "config.toml").write_text(written("[[server]]") + written("[export]"))
    done = run(tmp_path, "config", "--check")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@needs_prometheus
def test_promtool_accepts_the_scrape_config_on_the_page_with_and_without_a_token(tmp_path):
    shutil.copy(RULES, tmp_path)
    (tmp_path / "token").write_text("secret")
    without = written("rule_files")
    secured = without.replace("# auth", "auth").replace("/etc/prometheus/scrape-token", str(tmp_path / "token"))
    assert "\n    authorization:" in secured
    for text in (without, secured):
        (tmp_path / "prometheus.yml").write_text(text)
        assert "9 rules found" in promtool("check", "config", str(tmp_path / "prometheus.yml"))


def test_the_unit_on_the_page_starts_an_exporter_with_defaults(tmp_path):
    unit = written("[Unit]")
    (variable,), (line,) = re.findall(r"^Environment=(.+)$", unit, re.M), re.findall(r"^ExecStart=(.+)$", unit, re.M)
    name, _, path = variable.partition("=")
    at = free_port()
    words = [*command(), *line.split()[1:]]
    assert path == "/etc/llamabar.toml" and line.split()[0] == "/opt/llamabar/llamabar.pyz"
    there = f'[[server]]\nurl = "http://127.0.0.1:1"\n[export]\nlisten = "127.0.0.1:{at}"\n'
    (tmp_path / "etc.toml").write_text(there)
    path = str(ROOT / "src")
    only = {"HOME": str(tmp_path), "PATH": os.defpath, "PYTHONPATH": path, name: str(tmp_path / "etc.toml")}
    process = subprocess.Popen(words, env=only, cwd="/", stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr.readline() == f"Serving metrics at http://127.0.0.1:{at}/metrics\n"
        process.terminate()
        assert process.wait(PATIENCE_S) == 0, "systemd takes that for no failure"
    finally:
        process.kill()
        process.stderr.close()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze on PATH")
def test_systemd_accepts_the_unit_on_the_page(tmp_path):
    unit = tmp_path / "llamabar-export.service"
    unit.write_text(written("[Unit]").replace("/opt/llamabar/llamabar.pyz", sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
