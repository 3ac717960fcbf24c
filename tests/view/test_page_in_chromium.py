"""The page in a real browser: no complaints, nothing unreadable, nothing cut off."""

import functools
from datetime import date, timedelta

import pytest
from tools.scenes import scenes

from llamabar.core.events import FinishedRequest
from llamabar.core.totals import Line, of_rows, times, total
from llamabar.view import history_page
from llamabar.view.html import State, page
from tests.view.test_page import hostile_menu
from tools import chromium

ENOUGH = 4.5

# Checks every visible text; returns how many there are, and each one with too little contrast.
CONTRAST = """(() => {
  const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const linear = v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const light = c => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
  const behind = node => {
    for (let at = node; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== 'none' || style.opacity !== '1') return null;
      const colour = parse(style.backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
      if (colour[3] !== 0) return null;
    }
    return null;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const poor = [], ratios = [];
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    if (!node.data.trim() || element.closest('.unseen, h3')) continue;
    const back = behind(element), front = parse(getComputedStyle(element).color);
    if (!back || (front.length > 3 && front[3] !== 1)) { poor.push('unknown: ' + node.data); continue; }
    const [low, high] = [light(front), light(back)].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    ratios.push(ratio);
    if (ratio < ENOUGH) poor.push(ratio.toFixed(2) + ': ' + node.data);
  }
  return {count: ratios.length, poor};
})()""".replace("ENOUGH", str(ENOUGH))

# Returns what overflows the window, and text that overflows its menu.
OVERFLOW = """(() => {
  const wide = document.documentElement.clientWidth, out = [];
  for (const e of document.querySelectorAll('body *')) {
    if (e.closest('svg, .unseen, h3')) continue;
    const box = e.getBoundingClientRect(), panel = e.parentElement.closest('.panel, .bar');
    const said = e.className + ' ' + e.textContent.slice(0, 40);
    if (box.right > wide + 0.5 || box.left < -0.5) out.push('window: ' + said);
    if (panel && box.right > panel.getBoundingClientRect().right + 0.5) out.push('menu: ' + said);
  }
  return {page: document.documentElement.scrollWidth - wide, out};
})()"""


@functools.lru_cache
def states():
    return [*(named.state._replace(opened=None) for named in scenes()), State("Hostile names", hostile_menu())]


# The widths of the widest common fonts, whatever fonts this machine has.
WIDE_LETTERS = """((wide) => {
  const style = document.getElementById('wide') || document.head.appendChild(document.createElement('style'));
  style.id = 'wide';
  style.textContent = wide ? '*{font-family:monospace!important;letter-spacing:.1em!important}' : '';
})"""


def overflow(browser):
    """Return what overflows with this machine's fonts or with much wider ones; None if nothing does."""
    found = []
    for wide in ("true", "false"):
        browser.ask(f"{WIDE_LETTERS}({wide})")
        found.append(browser.ask(OVERFLOW))
    return None if all(one == {"page": 0, "out": []} for one in found) else found


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    program = chromium.find()
    if program is None:
        pytest.skip(f"no Chromium was found. {chromium.HINT}")
    path = tmp_path_factory.mktemp("page") / "menus.html"
    path.write_text(page(states(), heading="Menus"), "utf-8")
    with chromium.browser(program) as running:
        running.open(path)
        yield running


def test_all_text_has_enough_contrast(browser):
    found = browser.ask(CONTRAST)
    assert found["poor"] == []
    assert found["count"] > 2 * sum(len(list(state.menu.rows())) for state in states())


@pytest.mark.parametrize("width_px", [320, 1200])
def test_nothing_overflows(browser, width_px):
    browser.resize(width_px)
    assert browser.ask("document.documentElement.clientWidth") == width_px
    assert overflow(browser) is None


def test_light_and_dark_are_side_by_side_if_there_is_room(browser):
    tops = "[...document.querySelectorAll('.desk')].slice(0, 2).map(e => e.getBoundingClientRect().top)"
    browser.resize(1200)
    assert len(set(browser.ask(tops))) == 1
    browser.resize(320)
    assert len(set(browser.ask(tops))) == 2


def test_the_words_of_every_row_can_be_read(browser):
    for part, field in (("words", "label"), ("value", "value")):
        shown = browser.ask(f"[...document.querySelectorAll('.light .{part}')].map(e => e.innerText)")
        every = [getattr(row, field) for named in scenes() for row in named.state.menu.rows()]
        wanted = [said for said in every if said]
        assert sorted(shown[: len(wanted)]) == sorted(wanted)


def test_images_are_drawn(browser):
    broken = "[...document.images].filter(e => !e.complete || !e.naturalWidth).length"
    assert browser.ask("document.images.length") > 20
    assert browser.ask(broken) == 0


def test_the_check_finds_unreadable_and_overflowing_text(browser):
    """The checks above can fail: they find a faint text and one that is much too wide."""
    browser.resize(320)
    browser.ask("""document.querySelector('main').insertAdjacentHTML('afterbegin',
        '<div id="bad" style="color:#999;background:#fff;width:900px">faint</div>')""")
    assert browser.ask(CONTRAST)["poor"] == ["2.85: faint"]
    assert browser.ask(OVERFLOW)["page"] > 0
    browser.ask("document.getElementById('bad').remove()")


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_the_page_of_the_history_is_readable_at_every_width_and_says_the_figures(browser, tmp_path, appearance):
    models = ["alpha", "a-rather-long-name-" * 9, "<script>alert(1)</script>"]
    rows = [FinishedRequest(n, "", 1.0, "", 200, 999_999, 1, 9_999, 700.0, tps, 999.0)
            for n, tps in enumerate([40.0] * 30 + [52.0] * 3)]  # fmt: skip
    sums = total(of_rows([(row, times(row))], hour=row.id % 24) for row in rows)
    lines = [Line(f"2026-11-2{day}", "mac", model, sums, bool(day)) for day in (0, 1, 3) for model in models]
    clients = [Line(client, "mac", models[0], sums) for client in ("<b>curl</b>" * 4, "")]
    slower = [Line("", "mac", models[0], sums, change=-0.12)]
    page = history_page.page(lines, heading="History", note="As of now.", by_model=slower, by_client=clients)
    (tmp_path / "history.html").write_text(page, "utf-8")
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": appearance}])
    browser.open(tmp_path / "history.html")
    for width_px in (320, 900, 901, 1600):
        browser.resize(width_px)
        assert browser.ask(CONTRAST)["poor"] == []
        assert overflow(browser) is None
        tops = browser.ask("[...document.querySelectorAll('dl > div')].map(e => e.getBoundingClientRect().top)")
        assert {tops.count(top) for top in tops} == {9 if width_px > 900 else 3}, "no figure is alone in its row"
    browser.call("Emulation.setEmulatedMedia", features=[])
    assert browser.ask("[...document.querySelectorAll('tr.day time')].map(e => e.innerText)") == [
        "2026-11-23", "2026-11-21", "2026-11-20",
    ]  # fmt: skip
    cells = browser.ask("[...document.querySelector('tbody.one-day').rows[1].cells].map(e => e.innerText)")
    assert tuple(cells[1:]) == history_page.figures(sums, complete=True)
    slower = browser.ask("document.body.innerText.match(/[^,]* slower than last week/g)")
    assert slower == [" 12 % slower than last week"]
    heads = browser.ask("[...document.querySelectorAll('tbody.all')[1].rows].map(e => e.cells[0].innerText)")
    assert heads == ["By client", "<b>curl</b>" * 4, "unknown"]
    titled = "[...document.querySelectorAll('svg')].every(e => e.querySelector(':scope > title').textContent)"
    assert browser.ask(titled)
    assert browser.ask("document.querySelectorAll('svg').length") == 2 + 3 + 1 + 3


def test_three_months_of_history_are_a_page_that_is_read_to_its_end_also_on_a_telephone(browser, tmp_path):
    row = FinishedRequest(1, "", 1.0, "", 200, 9_999, 1, 999, 700.0, 41.0, 9.0)
    sums = of_rows([(row, times(row))], hour=9)
    days = [(date(2026, 9, 3) + timedelta(day)).isoformat() for day in range(90)]
    lines = [Line(day, "mac", "qwen3-30b", sums, True) for day in days]
    (tmp_path / "history.html").write_text(history_page.page(lines, heading="History", note="As of now."), "utf-8")
    browser.open(tmp_path / "history.html")
    for width_px, shown in ((320, 4), (600, 4), (768, 9), (1600, 9)):
        browser.resize(width_px)
        assert browser.ask("document.documentElement.scrollHeight") < 3_000
        cells = "[...document.querySelector('tbody.one-day').rows[1].cells].slice(1)"
        assert browser.ask(f"{cells}.filter(e => e.offsetWidth).length") == shown
    folded = browser.ask("[...document.querySelectorAll('summary')].map(e => e.innerText)")
    assert folded == ["2026-11 24 days, 24 requests", "2026-10 31 days, 31 requests", "2026-09 28 days, 28 requests"]
    browser.ask("document.querySelectorAll('details').forEach(e => e.open = true)")
    assert overflow(browser) is None and browser.ask(CONTRAST)["poor"] == []
    browser.resize(320)
    assert overflow(browser) is None
    every = browser.ask("[...document.querySelectorAll('tbody.one-day time')].map(e => e.textContent)")
    assert every == days[::-1]
    rows = browser.ask("[...document.querySelectorAll('tbody.one-day tr:not(.day)')].map(e => "
                       "[...e.cells].slice(1).map(e => e.textContent))")  # fmt: skip
    assert rows == [list(history_page.figures(sums, complete=True))] * len(lines)


def test_the_browser_complains_of_nothing(browser):
    assert browser.complaints == []
    browser.ask("console.error('heard')")
    browser.ask("1")
    assert len(browser.complaints) == 1
