"""What is shipped of a module: its code, on the same lines."""

from tools import shipped_source


def test_docstrings_and_comments_are_left_out_and_line_numbers_stay():
    source = (
        b'# Copyright\n"""Says."""\n\nclass Fault(Exception):\n    """One\n    two."""\n\n'
        b'def one():  # why\n    """Docs."""\n    return "# not a comment"\n'
    )
    slim = shipped_source.slim("one.py", source).decode().split("\n")
    assert slim == [
        "# Copyright", "", "", "class Fault(Exception):", "    ...", "", "", "def one():", "",
        '    return "# not a comment"', "",
    ]  # fmt: skip
    assert shipped_source.slim("page.css", b"# stays") == b"# stays"
