"""docs/security.md names tests, and each of them exists."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| who", "|--"))]


def test_every_row_names_tests_and_each_of_them_is_in_the_tree():
    assert len(ROWS) > 15
    for row in ROWS:
        named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", row)
        assert named, row
        for file, test in named:
            tree = ast.parse((ROOT / file).read_text("utf-8"))
            tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            assert test in tests if test else any(name.startswith("test_") for name in tests), f"{file}::{test}"


def test_security_md_links_to_the_page():
    assert "docs/security.md" in (ROOT / "SECURITY.md").read_text("utf-8")
