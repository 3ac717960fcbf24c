"""A module as it is shipped: without comments and docstrings, a quarter of the file that no user of it reads.

What the program says must not be in a docstring, therefore. Line numbers don't change, so a traceback fits the source.
"""

import ast
import io
import tokenize
from typing import Iterator, List


def slim(name: str, content: bytes) -> bytes:
    """Return a file of the package as it is shipped; only a Python module changes."""
    return _without_remarks(content.decode("utf-8")).encode("utf-8") if name.endswith(".py") else content


def _without_remarks(text: str) -> str:
    """Return a module's text without remarks, except those at its top, which may name the copyright holder."""
    lines, at_top = text.splitlines(keepends=True), True
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and not at_top:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip() + "\n"
        at_top = at_top and token.type in (tokenize.COMMENT, tokenize.NL)
    for body in _documented(ast.parse(text)):
        first, last = body[0].lineno, body[0].end_lineno or body[0].lineno
        lines[first - 1 : last] = ["\n"] * (last - first + 1)
        if len(body) == 1:
            lines[first - 1] = f"{' ' * body[0].col_offset}...\n"
    found = "".join(lines)
    if _code(found) != _code(text):
        raise SystemExit(f"tools/shipped_source.py can't take the comments and docstrings out of this:\n{text[:300]}")
    return found


def _documented(tree: ast.AST) -> Iterator[List[ast.stmt]]:
    """Yield the bodies that begin with a docstring."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            yield node.body


def _code(text: str) -> str:
    """Return what a module does: its syntax tree without docstrings, as text."""
    tree = ast.parse(text)
    for body in _documented(tree):
        body[:1] = [] if len(body) > 1 else [ast.Expr(ast.Constant(...))]
    return ast.dump(tree)
