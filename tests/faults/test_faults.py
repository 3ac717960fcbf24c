"""Every fault of the table is reported in time, and the state is right again in time afterwards (docs/reliability.md).
"""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults import table
from tests.faults.world import play

LONG = bool(os.environ.get("LLAMABAR_LONG_TESTS"))
AT_ONCE = 6  # they wait most of the time


@pytest.mark.parametrize("group", table.GROUPS)
def test_every_fault_is_said_in_time_and_all_is_well_in_time_when_it_is_over(group, tmp_path):
    faults = [one for one in table.GROUPS[group] if one.happens is not None and (LONG or not one.slow)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        homes = [tmp_path / str(number) for number in range(len(faults))]
        for home in homes:
            home.mkdir()
        played = [pool.submit(play, fault, home) for fault, home in zip(faults, homes)]
    failed = [f"{fault.name}: {one.exception()}" for fault, one in zip(faults, played) if one.exception()]
    assert not failed, "\n\n".join(failed)


def test_the_page_is_made_from_the_table():
    from tools.reliability_page import page

    path = Path(__file__).parents[2] / "docs" / "reliability.md"
    if os.environ.get("LLAMABAR_WRITE_GOLDEN"):
        path.write_text(page(), "utf-8")
    assert path.read_text("utf-8") == page(), "write it anew: LLAMABAR_WRITE_GOLDEN=1 python3 build.py test faults"


def test_each_fault_has_a_name_of_its_own_and_a_test_that_is_there():
    every = [fault for faults in table.GROUPS.values() for fault in faults]
    assert len(every) >= 40 and len({fault.name for fault in every}) == len(every)
    for fault in every:
        assert bool(fault.happens) != bool(fault.test) and fault.said, fault.name
        if fault.test:
            path, name = fault.test.split("::")
            assert f"def {name}(" in (Path(__file__).parents[2] / path).read_text("utf-8"), fault.test
