"""Server features are stored under a hash of the address: the file contains no address."""

import json

from llamabar.core.capabilities import Capability
from llamabar.core.events import CapabilitiesFound
from llamabar.store.known_servers import KEPT, KnownServers

URL = "http://mini.example:8080/llm"
FOUND = CapabilitiesFound(KEPT - {Capability.CANCEL}, frozenset({Capability.CANCEL}))


def test_a_builds_features_are_recalled_at_its_address_and_no_address_is_stored(tmp_path):
    known = KnownServers({"LLAMABAR_DATA_DIR": str(tmp_path / "data")})
    known.learn(URL, "250 abc", FOUND)
    assert known.recall(URL, "250 abc") == FOUND
    assert known.recall(URL, "251 abc") is None and known.recall("http://other:1", "250 abc") is None
    kept = tmp_path / "data" / "known-servers.json"
    assert "mini" not in kept.read_text() and "8080" not in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600 and kept.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_of_a_version_that_stored_addresses_is_removed_at_once(tmp_path):
    entry = {"address": URL, "build": "250 abc", "can": sorted(FOUND.confirmed), "cannot": ["cancel"], "at_unix_s": 1.0}
    kept = tmp_path / "known-servers.json"
    kept.write_text(json.dumps({"llamabar_known_servers": 1, "servers": [entry]}))
    known = KnownServers({"LLAMABAR_DATA_DIR": str(tmp_path)})
    assert known.recall(URL, "250 abc") is None and not kept.exists()
    known.learn(URL, "250 abc", FOUND)
    assert known.recall(URL, "250 abc") == FOUND and "mini" not in kept.read_text()


def test_with_an_invalid_file_features_are_probed_again(tmp_path):
    for said in ("[1]", "[" * 99_999, '{"llamabar_known_servers":3,"servers":{"a":1}}', '{"llamabar_known_servers":3}'):
        (tmp_path / "known-servers.json").write_text(said)
        assert KnownServers({"LLAMABAR_DATA_DIR": str(tmp_path)}).recall(URL, "250 abc") is None
