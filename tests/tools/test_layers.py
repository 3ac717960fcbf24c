"""The structure holds: imports point inward, files and functions stay small, one file has the words."""

import ast
import functools
import re
from pathlib import Path

import pytest

from llamabar.core.status import Status
from llamabar.plugin.main import FIRST_FRAME
from llamabar.view import words
from llamabar.view.palette import SYMBOLS
from tests.conftest import LONG
from tools import house, layers

ROOT = Path(__file__).parents[2]
OURS = [path for folder in ("src", "installer", "tools") for path in sorted((ROOT / folder).rglob("*.py"))]
LONGEST_FUNCTION_LINES = 45


@functools.cache
def parsed(path):
    return ast.parse(path.read_text("utf-8"))


def test_imports_point_inward_only():
    assert layers.violations() == []


def test_there_are_no_import_cycles():
    assert layers.circles() == []


def test_a_cycle_is_found_even_if_an_import_is_lazy(tmp_path):
    (tmp_path / "llamabar").mkdir()
    (tmp_path / "llamabar" / "one.py").write_text("from llamabar.two import x\n")
    (tmp_path / "llamabar" / "two.py").write_text("def x():\n    import llamabar.one\n")
    assert layers.circles((tmp_path,)) == [["llamabar.one", "llamabar.two"]]


def test_a_violation_of_the_rule_is_found(tmp_path):
    core = tmp_path / "llamabar" / "core"
    core.mkdir(parents=True)
    (core / "bad.py").write_text(
        "import time\nfrom llamabar.view import menu\nfrom llamabar.core import units\nimport json\n"
    )
    found = layers.violations((tmp_path,))
    assert [line.split(":")[1].split()[0] for line in found] == ["1", "2"]


def test_contributing_shows_the_import_rule_as_it_is():
    assert layers.table() in (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_modules_and_functions_stay_small():
    assert house.too_long() == []
    for path in OURS:
        assert house.line_count(path) <= house.LONGEST_MODULE_LINES, path
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno <= LONGEST_FUNCTION_LINES, f"{path}: {node.name}"


def test_everything_public_has_a_docstring():
    for path in OURS:
        tree = parsed(path)
        assert ast.get_docstring(tree), path
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path}: {node.name}"


def test_no_file_names_a_machine():
    for path in [*OURS, ROOT / "build.py", ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("requirements/*")]:
        text = path.read_text("utf-8")
        assert not re.search(r"/root/|/simple/|--(extra-)?index-url[ =]", text), path


WORDS = re.compile(r"[A-Za-z]{2,} ([A-Za-z]|$)| [A-Za-z]{2,}|^[A-Z][a-z]+(:|$)")


def words_in(tree, *, left_out=()):
    return [
        node.value for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out
        if WORDS.search(node.value)
    ]  # fmt: skip


def test_the_words_of_the_menu_are_in_one_file():
    """A section combines words but has none of its own. Text copied for a shell isn't a menu word."""
    view = ROOT / "src" / "llamabar" / "view"
    for path in (*sorted((view / "sections").glob("*.py")), view / "compose.py"):
        tree = parsed(path)
        curl = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "_curl"]
        left_out = {id(inner) for node in curl for inner in ast.walk(node)}
        left_out |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
        assert words_in(tree, left_out=left_out) == [], path


def test_no_row_and_no_title_is_made_with_literal_words():
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Row", "Title"):
                assert words_in(node) == [], (path, node.lineno)


def test_the_first_frame_which_imports_nothing_matches_the_menu():
    first = FIRST_FRAME.decode("utf-8").splitlines()
    assert first[2] == f"{words.SERVER}: {words.CONNECTING}|sfimage={SYMBOLS[Status.STARTING]}"


def test_every_test_in_the_long_list_exists(request):
    config = request.config
    if config.args_source != pytest.Config.ArgsSource.TESTPATHS or config.option.keyword:
        pytest.skip("only some tests were asked for")
    names = [item.name for item in request.session.items]
    assert [long for long in LONG if not any(name.startswith(long) for name in names)] == []
