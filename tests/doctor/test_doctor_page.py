"""The page lists every finding as the code has it; each check is in order, and complains with a remedy."""

import os

from llamabar.doctor.checks import registry
from llamabar.doctor.checks.finding import PLACEHOLDER, quoted
from llamabar.doctor.checks.page import page
from tests.fakes.programs import ROOT

PAGE = ROOT / "docs" / "doctor.md"


def test_the_page_is_what_the_checks_say():
    """If a change is meant: LLAMABAR_WRITE_GOLDEN=1, and read the diff."""
    if os.environ.get("LLAMABAR_WRITE_GOLDEN"):
        PAGE.write_text(page(), "utf-8")
    assert PAGE.read_text("utf-8") == page()


def test_there_are_at_least_45_findings_each_with_an_id_of_its_own():
    ids = [check.id for check in registry.checks()]
    assert len(ids) == len(set(ids)) >= 45


def test_a_check_depends_only_on_those_before_it():
    seen = set()
    for check in registry.checks():
        assert set(check.after) <= seen, check.id
        seen.add(check.id)


def test_every_check_says_what_it_means_and_what_to_do():
    for check in registry.checks():
        assert check.means.endswith("."), check.id
        assert check.remedy and check.good, check.id
        assert "'{" not in check.remedy, f"{check.id}: what is filled in is quoted already"


def test_a_path_with_spaces_quotes_and_accents_stays_one_word_of_a_shell():
    import shlex

    for path in ("/Users/Zoé Doe/it's \"here\"", "$HOME", "a;b", "", "-x", "`x`", "plain/path-1.0"):
        assert shlex.split(quoted(path)) == [path]
    assert PLACEHOLDER.sub("x", "{llamabar} start") == "x start"
