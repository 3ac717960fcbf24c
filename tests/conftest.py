"""Fixtures that several test modules use."""

import signal

import pytest
from hypothesis import HealthCheck, settings

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background

# How fast a machine is proves nothing: a figure of `build.py bench` is, a deadline here is not.
settings.register_profile("no clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no clock")


@pytest.fixture
def make_mac(tmp_path_factory):
    """A function that makes a Mac (tests/mac/machine.py) with options; each is closed, and so checked, at the end."""
    from tests.mac.machine import Mac

    made = []

    def make(**options):
        made.append(Mac(tmp_path_factory.mktemp("mac"), **options))
        return made[-1]

    yield make
    for mac in made:
        mac.close()


@pytest.fixture
def mac(make_mac):
    """A Mac: macOS 26, somebody logged in, time twenty times as fast for launchd."""
    return make_mac(seconds_per_second=0.05)
