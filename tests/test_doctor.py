"""Every finding is seen on a Mac on which it is so, and on none on which all is well."""

import pytest

from llamabar.doctor import checkup
from tests import doctor_situations_live
from tests.doctor_mac import WellMac
from tests.doctor_situations import SITUATIONS

ALWAYS = {"llama-swap-can-stall"}  # of every llama-swap up to v250, and a note
assert doctor_situations_live


@pytest.fixture(scope="module")
def well(tmp_path_factory):
    mac = WellMac(tmp_path_factory.mktemp("mac"))
    yield mac
    mac.close()


def test_a_mac_on_which_all_is_well_gives_not_one_warning(well):
    answer = well.ask()
    assert answer.troubles == {}
    assert {one.id for one in answer.findings.values() if one.level != "ok"} <= ALWAYS
    assert answer.took_s < 2


def test_every_finding_has_a_situation():
    assert {check.id for check in checkup.checks()} == set(SITUATIONS)


LEVELS = {check.id: check.level.value for check in checkup.checks()}


@pytest.mark.parametrize("finding", SITUATIONS)
def test_a_finding_is_seen_where_it_is_so(well, finding):
    make, wanted, options = SITUATIONS[finding]
    with make(well) as environment:
        found = well.examine(*wanted, **options, **environment)
    said = {one.id: f"{one.level}: {one.title}. {one.detail}" for one in found.values() if one.level not in ("ok", "skipped")}
    assert found[finding].level == LEVELS[finding], (found[finding], said)
    assert found[finding].remedy
    assert found[finding].title != next(check.good for check in checkup.checks() if check.id == finding)


def test_it_is_well_again_at_the_end(well):
    assert {one.id for one in well.ask().findings.values() if one.level != "ok"} <= ALWAYS
