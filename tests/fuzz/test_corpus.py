"""Every input that was worth keeping is read without an exception, and the fuzzer finds a fault that is there."""

import json
import random

import pytest

from tests.fuzz.targets import STRUCTURED, TARGETS
from tools import fuzz


@pytest.mark.parametrize("name", TARGETS)
def test_the_kept_corpus_of_each_reader_of_outside_text_raises_nothing(name):
    kept = fuzz.corpus(name)
    assert kept, "each target begins with real bytes"
    for data in kept:
        TARGETS[name](data)


def test_a_fault_of_bytes_is_found_and_made_short():
    def raises(data):
        if b"\x1b[" in data:
            raise ValueError

    with pytest.raises(fuzz.Found) as found:
        fuzz.fuzz("shown", raises, 20.0, random.Random(1))
    assert fuzz.shortest(raises, found.value.data) == b"\x1b["


def test_a_fault_of_values_is_found_in_the_kept_documents_and_in_made_up_ones():
    def raises(data):
        for one in json.loads(data).get("servers", ()):
            float(one["at_unix_s"])

    def overflows(data):
        try:
            raises(data)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
            pass

    with pytest.raises(fuzz.Found, match="OverflowError"):
        fuzz.fuzz("kept", overflows, 30.0, random.Random(2))
    assert set(STRUCTURED) <= set(TARGETS)
