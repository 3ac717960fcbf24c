"""The page lists every finding in the code; the checks are in order, and each has a remedy."""

import os

from tools.doctor_page import PLACEHOLDER, page

from llamabar.core.text import quoted
from llamabar.doctor.checks import packages, registry
from llamabar.doctor.checks.redact import Private, redacted
from llamabar.doctor.checks.swiftbar import DOWNLOAD
from tests.fakes.programs import ROOT

PAGE = ROOT / "docs" / "doctor.md"


def test_the_page_is_what_the_checks_say():
    """For an intended change: LLAMABAR_WRITE_GOLDEN=1, then read the diff."""
    if os.environ.get("LLAMABAR_WRITE_GOLDEN"):
        PAGE.write_text(page(), "utf-8")
    assert PAGE.read_text("utf-8") == page()


def test_there_are_at_least_45_findings_with_unique_ids():
    ids = [check.id for check in registry.checks()]
    assert len(ids) == len(set(ids)) >= 45


def test_a_check_depends_only_on_those_before_it():
    seen = set()
    for check in registry.checks():
        assert set(check.after) <= seen, check.id
        seen.add(check.id)


def test_every_check_says_what_is_wrong_and_what_to_do():
    for check in registry.checks():
        assert check.title and (check.remedy or check.fix), check.id
        assert "'{" not in check.remedy, f"{check.id}: what is filled in is quoted already"


def test_no_remedy_of_ours_is_redacted_in_a_report():
    ours = (PLACEHOLDER.sub("x", check.remedy) for check in registry.checks())
    for remedy in (*ours, *packages.UPGRADES.values(), packages.RELEASES, DOWNLOAD):
        assert redacted(remedy, Private()) == remedy


def test_a_path_with_spaces_quotes_and_accents_stays_one_shell_word():
    import shlex

    for path in ("/Users/Zoé Doe/it's \"here\"", "$HOME", "a;b", "", "-x", "`x`", "plain/path-1.0"):
        assert shlex.split(quoted(path)) == [path]
    assert PLACEHOLDER.sub("x", "{llamabar} start") == "x start"
