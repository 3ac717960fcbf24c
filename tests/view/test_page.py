"""The page: every state is readable and audible, whatever the names are, and nothing in it runs or loads."""

import re
import struct
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tools.apng import source, source_of
from tools.scenes import scenes

from llamabar.core.status import Status
from llamabar.package_files import text_beside
from llamabar.view import html, palette
from llamabar.view.charts import CHART, Scale, draw
from llamabar.view.html import State, drawings, page
from llamabar.view.menu import Action, Do, Image, Menu, Row, Title
from llamabar.view.palette import SYMBOLS
from tools import film, pictures

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
HOSTILE = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a & b &amp; c", "نموذج-٧ب", "模型 🦙", "x" * 300,
    "\u202edesrever", "nul\0 esc\x1b[31m", "lone \ud800 surrogate", "</ul></li></main>",
)  # fmt: skip
VOID = ("meta", "img", "path", "circle", "rect")


def menu(*rows, title=None):
    return Menu(title or Title("circle", "", "llama-swap ready"), (rows,))


def hostile_menu():
    rows = (Row(text, children=(Row(text, action=Action(Do.LOAD, text)),), tooltip=text) for text in HOSTILE)
    return menu(*rows, title=Title("circle", HOSTILE[0], HOSTILE[1]))


class Reader(HTMLParser):
    """Parses a page: its tags, closed in order, and the text of each row as a browser reads it."""

    def __init__(self, source):
        super().__init__()
        self.open, self.tags, self.rows, self.images, self.headings = [], [], [], [], []
        self.feed(source)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append((tag, dict(attributes).get("class", "")))
        if tag == "img":
            self.images.append(dict(attributes))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == ("span", "words"):
            self.rows.append(data)
        if self.open and self.open[-1] == ("span", "value"):
            self.rows[-1] += f" ({data})"
        if self.open and self.open[-1][0] in ("h1", "h2", "h3"):
            self.headings.append((self.open[-1][0], data))


def read(*states, **more):
    return Reader(page(states, heading="Menus", **more))


def test_every_row_of_every_state_is_drawn_in_both_appearances():
    for named in scenes():
        state = named.state._replace(opened=None)
        wanted = [f"{row.label} ({row.value})" if row.value else row.label for row in state.menu.rows()]
        assert sorted(read(state).rows) == sorted(wanted * 2), named.name


def test_submenus_that_are_not_opened_are_marked_and_not_drawn():
    state = State("x", menu(Row("a: 1", children=(Row("in a"),)), Row("b: 2", children=(Row("in b"),))), ("b",))
    found = read(state)
    assert found.rows == ["a: 1", "b: 2", "in b"] * 2
    assert page([state], heading="").count("›") == 4


def test_hostile_text_stays_text_and_the_structure_stays_intact():
    source = page([State(HOSTILE[0], hostile_menu())], heading=HOSTILE[1], note=HOSTILE[9])
    found = Reader(source)
    assert not {"script", "iframe", "object", "link", "a", "form"} & set(found.tags)
    assert found.images == []
    assert HOSTILE[0] in found.rows and "x" * 300 in found.rows and "模型 🦙" in found.rows
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e\ud800]", source)
    source.encode("utf-8")


def test_the_page_is_self_contained():
    source = page([named.state for named in scenes()], heading="Menus")
    assert not re.search(r"src=.https?:|url\(|@import|<link|<script| on[a-z]+=", source)
    assert "default-src 'none'" in source


def test_an_image_is_shown_at_half_its_pixels_and_says_the_words_of_its_row():
    png = draw(CHART, Scale((0.2, None, 0.9), "50"))
    width_px, height_px = struct.unpack(">II", png[16:24])
    found = read(State("x", menu(Row("Speed", "41.2 tok/s", image=Image(png, ())))))
    for image in found.images:
        assert (int(image["width"]), int(image["height"])) == (width_px // 2, height_px // 2)
        assert image["alt"] == "Speed: 41.2 tok/s"
    assert len(found.images) == 2


def test_an_image_that_is_not_a_png_is_not_drawn():
    assert read(State("x", menu(Row("a", image=Image(b"GIF89a", ()))))).images == []


@pytest.mark.parametrize(("row", "marks"), [
    (Row("a", checked=True, action=Action(Do.COPY)), ("✓", " chosen ")),
    (Row("a", alternate=Row("b", action=Action(Do.COPY))), ("⌥", " with the Option key ")),
    (Row("a", warning=True), ('class="row warning"',)),
    (Row("a"), ('class="row still"',)),
    (Row("a", tooltip="why"), ('title="why"',)),
])  # fmt: skip
def test_the_kind_of_a_row_is_visible(row, marks):
    source = page([State("x", menu(row))], heading="").split("</style>")[1]
    plain = page([State("x", menu(Row("a", action=Action(Do.COPY))))], heading="").split("</style>")[1]
    assert all(mark in source and mark not in plain for mark in marks)


def test_headings_lead_through_the_page():
    found = read(State("One", menu(Row("a"))), State("Two", menu(Row("b"))))
    kinds = [kind for kind, _ in found.headings]
    assert kinds == ["h1", "h2", "h3", "h3", "h2", "h3", "h3"]
    assert [said for kind, said in found.headings if kind == "h2"] == ["One", "Two"]


def test_an_empty_menu_and_no_states_are_pages_too():
    assert read().rows == []
    assert read(State("Nothing", Menu(Title("circle", "", "empty"), ((), ())))).rows == []


def test_every_state_has_a_symbol_of_its_own_shape():
    shapes = [drawings()[SYMBOLS[status]] for status in Status]
    assert len(set(shapes)) == len(shapes)


def test_only_what_is_used_is_drawn():
    every = {value for name, value in vars(palette).items() if name.isupper() and isinstance(value, str)}
    assert {row.symbol for named in scenes() for row in named.state.menu.rows() if row.symbol} <= set(drawings())
    assert set(drawings()) == {*SYMBOLS.values(), *every, "battery", "wifi"}


def test_the_page_warns_in_the_colours_of_the_menu():
    for appearance, colour in zip(("light", "dark"), palette.WARNING_COLOURS):
        assert re.search(rf"\.{appearance}{{[^}}]*--warning:{colour}}}", text_beside(html.__file__, "pages/menu.css"))


def test_the_pictures_are_those_of_the_scenes_and_small():
    sizes = {path.stem: path.stat().st_size for path in PICTURES.glob("*.png")}
    assert set(sizes) == {named.name for named in scenes()} | set(film.NAMES.values()), "build.py pictures"
    assert max(size for name, size in sizes.items() if name not in film.NAMES.values()) <= 60_000


def scene_pages():
    return {named.name: pictures.scene_page(named) for named in scenes()}


def minute_pages():
    return dict.fromkeys(film.NAMES.values(), film.minute_page())


@pytest.mark.parametrize("made", [scene_pages, minute_pages])
def test_the_pictures_show_the_menu_as_it_is_today(made):
    drawn = {path.stem: source_of(path.read_bytes()) for path in PICTURES.glob("*.png")}
    old = [name for name, page in made().items() if drawn.get(name) != source(page)]
    assert old == [], "the menu looks different now: python3 build.py pictures draws them again"
