"""The picture of the flow names only what exists."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "llamabar"
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")


def test_every_name_in_the_picture_is_in_the_tree():
    picture = [line for line in PAGE.splitlines() if line.startswith("    ")]
    named = re.findall(r"\b([a-z]+/[a-z_]+)(?:\.(\w+))?", "\n".join(picture).replace("/api/events", ""))
    assert len(named) > 10
    for module, name in named:
        path = SOURCE / f"{module}.py"
        assert path.is_file(), module
        defined = {node.name for node in ast.walk(ast.parse(path.read_text("utf-8"))) if hasattr(node, "name")}
        assert not name or name in defined, f"{module}.{name}"


def test_every_file_the_page_refers_to_exists():
    named = re.findall(r"`((?:[a-z]+/)+(?:[a-z_]+\.py)?)`", PAGE)
    assert len(named) > 10
    for name in named:
        assert (SOURCE / name).exists() or (ROOT / name).exists(), name
