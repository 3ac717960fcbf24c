"""The demo: realistic figures, and users that can be paused."""

import threading
from dataclasses import replace

from tools.scenes import QWEN

from llamabar.cli.demo import believable
from llamabar.demo.load import CRASH, SCRIPT, Users
from llamabar.terminal.state import View
from tests.terminal.test_dashboard import SCENES, screen


def test_the_demos_models_use_realistic_memory():
    scene = believable(SCENES["ready"].scene)
    shown = "\n".join(screen(scene, 120, 40, View()))
    assert "18.6 GB" in shown and "1.3 GB" in shown
    assert "41.2 of 64.0 GB" in shown
    model = scene.servers[0].snapshot.models[QWEN]
    stopped = {QWEN: replace(model, info=model.info._replace(state="stopped"), memory_peak_bytes=9_000_000)}
    server = scene.servers[0]
    after = replace(scene, servers=(replace(server, snapshot=replace(server.snapshot, models=stopped)),))
    assert believable(after).servers[0].snapshot.models[QWEN].memory_peak_bytes == 18_600_000_000


def test_a_minute_shows_everything_once():
    assert 50 < sum(step[0] for step in SCRIPT) < 70
    models = [model for _, model, tokens, _ in SCRIPT if tokens != CRASH]
    assert {"qwen3-30b", "bge-m3", "tiny-1b", "broken-7b", "coder-32b", "org/vision-12b:q4"} <= set(models)
    assert any(tokens == CRASH for _, _, tokens, _ in SCRIPT)


def test_users_wait_while_they_are_paused():
    users = Users("http://127.0.0.1:1")
    users.paused = True
    ended = threading.Event()
    threading.Thread(target=lambda: (users.waits(0.1), ended.set()), daemon=True).start()
    assert not ended.wait(0.5)
    users.paused = False
    assert ended.wait(5)
