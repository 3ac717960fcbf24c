"""The Mac of the tests behaves as the facts say a Mac does."""

import pytest


def test_a_bootout_of_the_whole_domain_fails_the_run(make_mac):
    mac = make_mac()
    assert mac.run("launchctl", "bootout", f"gui/{mac.uid}/").returncode == 0
    with pytest.raises(AssertionError, match="ended the user's session"):
        mac.close()
