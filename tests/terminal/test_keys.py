"""Terminal input is decoded, however many bytes arrive at once."""

import pytest

from llamabar.terminal.keys import Background, Pasted, Pressed, dark_by, decoded, is_unfinished, key_table

TABLE = key_table(None)
FOREIGN = key_table({"kcuu1": b"\x1bq^", "khome": b"\x1b[7~"}.get)


def names(typed, table=TABLE):
    return [getattr(one, "key", one) for one in decoded(typed, table)]


@pytest.mark.parametrize(("typed", "found"), [
    ("jk", ["j", "k"]), ("\x1b[A\x1b[B", ["up", "down"]), ("\x1bOAq", ["up", "q"]), ("\x1b", ["escape"]),
    ("\r\n", ["enter", "enter"]), ("\x1b[1;5A", ["other"]), ("\x1bq", ["other"]), ("é?", ["é", "?"]),
    ("\x1b[5~\x1b[6~g", ["page up", "page down", "g"]), ("\x1b[Z\t", ["back tab", "tab"]),
    ("\x7f\b", ["backspace"] * 2),
    ("\x1b[200~\x1b[201~", [Pasted("")]), ("\x04\x00", ["other", "other"]), ("模", ["模"]),
    ("\x1b[<64;10;5M", ["other"]), ("\x1b[97;5u", ["other"]), ("\x1b\x1b[A", ["escape", "up"]),
])  # fmt: skip
def test_keys_are_distinguished(typed, found):
    assert names(typed) == found


def test_an_unknown_sequence_is_never_taken_for_its_letters():
    assert names("\x1b[99q\x1b[?1;2c\x1bOu") == ["other"] * 3


def test_terminfo_decodes_an_unusual_terminal():
    assert names("\x1b[7~", FOREIGN) == ["home"]


@pytest.mark.parametrize("text", ["unload it all, quickly\nq\nuuuy", "q", "\x1b[A", "模型"])
def test_pasted_text_presses_no_keys(text):
    assert decoded(f"j\x1b[200~{text}\x1b[201~k", TABLE) == [Pressed("j"), Pasted(text), Pressed("k")]


def test_an_unmarked_paste_is_recognized_by_its_length():
    assert decoded("please unload this model and quit", TABLE) == [Pasted("please unload this model and quit")]
    assert names("j" * 60) == ["j"] * 60  # a key being held down


@pytest.mark.parametrize("part", ["\x1b[", "\x1b[1;", "\x1bO", "\x1b]11;rgb:ff", "\x1b[200~half of it"])
def test_an_incomplete_sequence_is_waited_for(part):
    assert is_unfinished(part)


@pytest.mark.parametrize("whole", ["q", "\x1b[A", "\x1b[200~all\x1b[201~", "\x1b]11;rgb:0/0/0\x07"])
def test_a_complete_sequence_is_not_waited_for(whole):
    assert not is_unfinished(whole)


def test_the_background_is_dark_or_light():
    said = "\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\j\x1b]11;rgb:ff/ff/ff\x07"
    assert decoded(said, TABLE) == [Background(True), Pressed("j"), Background(False)]
    assert decoded("\x1b]11;nonsense\x07\x1b]52;c;eA==\x07", TABLE) == []


@pytest.mark.parametrize(("told", "dark"), [("15;0", True), ("0;15", False), ("0;default;7", False), ("", None)])
def test_colorfgbg_tells_it_too(told, dark):
    assert dark_by(told) is dark
