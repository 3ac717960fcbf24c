"""docs/install.md shows what `install` and `uninstall` really print on a Mac."""

import os
import re

from tests.fakes.programs import ROOT
from tests.installer.test_install import a_ready_mac, bar, install  # noqa: F401, the fixture

PAGE = ROOT / "docs" / "install.md"


def said(mac, text):
    """Return the output, normalized for any Mac."""
    text = text.replace(str(mac.port), "8080").replace(str(mac.home), "~")
    text = text.replace("~/.local/share/llamabar", "~/Library/Application Support/llamabar")
    return re.sub(r"\d+(\.\d+)? s\b", "2 s", text).strip()


def with_block(page, name, text):
    """Return the page with the block below a marker replaced."""
    return re.sub(rf"(<!-- {name} -->\n```text\n).*?(```)", lambda m: f"{m[1]}{text}\n{m[2]}", page, flags=re.DOTALL)


def test_the_page_shows_what_install_and_uninstall_say(ready):
    """For an intended change: LLAMABAR_WRITE_GOLDEN=1, then read the diff."""
    mac = ready()
    page = PAGE.read_text("utf-8")
    for name, done in (("install", install(mac)), ("uninstall", bar(mac, "uninstall", "--yes"))):
        assert done.returncode == 0, done.stdout + done.stderr
        page = with_block(page, name, said(mac, done.stdout))
    if os.environ.get("LLAMABAR_WRITE_GOLDEN"):
        PAGE.write_text(page, "utf-8")
    assert page == PAGE.read_text("utf-8")
