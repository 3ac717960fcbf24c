"""Two servers in one menu: each has its own stream and section; one that is down doesn't affect the other."""

import re
import subprocess

from llamabar.app.one_look import look
from llamabar.settings.load import ServerSettings, Settings
from llamabar.sources import clock
from llamabar.view.compose import compose
from tests.fakes.programs import Plugin, chat, llama_swap, run, wait_for


def both(home, first, second):
    path = home / "two.toml"
    path.write_text(f'[[server]]\nname = "mini"\nurl = "{first}"\n[[server]]\nname = "studio"\nurl = "{second}"\n')
    return str(path)


def test_two_servers_have_two_sections_and_the_title_shows_the_busiest(tmp_path):
    with llama_swap("v250") as mini, llama_swap("v228") as studio:
        file = both(tmp_path, mini.url, studio.url)
        with Plugin("", tmp_path, LLAMABAR_CONFIG=file) as plugin:
            plugin.wait_for_row("mini: no model loaded")
            plugin.wait_for_row("studio: no model loaded")
            answer = chat(studio, "beta-3b", tokens=600)
            wait_for(lambda: re.search(r"^--beta-3b: ~?[\d.]+ tok/s", plugin.text, re.MULTILINE))
            assert plugin.row("mini: no model loaded")
            assert re.match(r"studio: (~?[\d.]+ tok/s|busy)", plugin.row("studio: "))
            assert "t/s" in plugin.title()
            mini.stop()
            plugin.wait_for_row("mini: not responding")
            assert "t/s" in plugin.title(), "a server that is down never outshines one that works"
            answer.join(20)
            plugin.wait_for_row("studio: 1 model ready")
            with llama_swap("v236", port=mini.server_address[1]):
                plugin.wait_for_row("mini: no model loaded")
            assert not any(path.startswith("/upstream") for _, path in mini.requests + studio.requests)
            assert sum(path == "/api/events" for _, path in studio.requests) == 1, "its stream went on"


def test_a_click_goes_to_the_server_of_its_section(tmp_path):
    with llama_swap() as mini, llama_swap() as studio:
        file = both(tmp_path, mini.url, studio.url)
        with Plugin("", tmp_path, LLAMABAR_CONFIG=file) as plugin:
            plugin.wait_for_row("studio: no model loaded")
            plugin.wait_for_row("mini: no model loaded")
            plugin.click("alpha-8b", under="mini:")
            plugin.wait_for_row("mini: 1 model ready")
        assert [path for _, path in mini.requests if path.startswith("/upstream")] == ["/upstream/alpha-8b/"]
        assert not [path for _, path in studio.requests if path.startswith("/upstream")]


def test_an_ambiguous_command_asks_which_server_and_accepts_its_number(tmp_path):
    with llama_swap() as mini, llama_swap() as studio:
        more = {"LLAMABAR_CONFIG": both(tmp_path, mini.url, studio.url)}
        done = run(tmp_path, "load", "beta-3b", **more)
        assert done.returncode == 1 and "mini, studio" in done.stderr and "--server NAME" in done.stderr
        assert run(tmp_path, "load", "beta-3b", "--server", "@2", **more).returncode == 0
        assert studio.world.processes["beta-3b"].state == "ready"
        assert mini.world.processes["beta-3b"].state == "stopped"


def test_the_curl_command_that_is_copied_has_a_place_for_the_key_and_not_the_key():
    with llama_swap(api_key="sk-right") as server:
        settings = Settings((ServerSettings("a", server.url, api_key="sk-right"),))
        server.world.acquire("alpha-8b")  # only a loaded model's rows have it
        menu = compose(look(settings).monitor.scene(now_s=clock.now_s()))
        copied = next(one.target for one in menu.actions() if one.target.startswith("curl "))
    pasted = f"KEY=typed; curl() {{ printf '%s\\n' \"$@\"; }}; {copied}"
    words = subprocess.run(["sh", "-c", pasted], capture_output=True, text=True).stdout.splitlines()
    assert "sk-right" not in copied and words[1:3] == ["-H", "Authorization: Bearer typed"], copied
