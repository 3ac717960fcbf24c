"""Texts are measured in columns, and lines are cut and padded to a width."""

import pytest

from llamabar.terminal.cells import Span, beside, columns, fit, length, line, pad, spread


@pytest.mark.parametrize(("text", "width"), [
    ("qwen3-30b", 9), ("模型", 4), ("e\u0301", 1), ("👩‍💻", 2), ("نموذج", 5), ("", 0), ("≋◉⚠⏎▸…–", 7), ("⣿⣀", 2),
])  # fmt: skip
def test_a_text_is_measured_as_a_terminal_draws_it(text, width):
    assert columns(text) == width


@pytest.mark.parametrize("text", ["qwen3-30b-a3b", "模型模型模型", "a👩‍💻👩‍💻👩‍💻👩‍💻", "e\u0301" * 9])
@pytest.mark.parametrize("width", [0, 1, 2, 3, 5, 8])
def test_a_cut_text_is_never_wider_and_ends_in_an_ellipsis(text, width):
    assert columns(fit(text, width)) <= width
    assert width == 0 or fit(text, width).endswith("…")


def test_a_character_is_never_cut_in_two():
    assert fit("模型模型", 6) == "模型…"
    assert fit("👩‍💻👩‍💻", 3) == "👩‍💻…"


def test_a_cell_has_exactly_its_width_whatever_is_in_it():
    assert [columns(pad(text, 6)) for text in ("", "abc", "模型", "模型模型模型")] == [6, 6, 6, 6]
    assert pad("41.0", 6, right=True) == "  41.0"


def test_two_ends_of_a_line_never_overlap():
    left, right = [Span("left")], [Span("right")]
    assert line(*spread(left, right, 12)).text == "left   right"
    assert line(*spread(left, right, 9)).text == "left     "
    assert length(spread(left, right, 3)) == 3


def test_blocks_are_joined_side_by_side():
    assert [one.text for one in beside([line("a"), line("b")], [line("1"), line("2")])] == ["a1", "b2"]
