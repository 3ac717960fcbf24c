"""Our SwiftBar agrees with every recorded answer of SwiftBar's own parser."""

import json
from pathlib import Path

import pytest

import tests.fakes.swiftbar_host as host

RECORDINGS = Path(__file__).parents[1] / "recordings" / "swiftbar"


def records(name):
    return [json.loads(line) for line in (RECORDINGS / f"{name}.jsonl").read_text("utf-8").splitlines()]


def test_every_recorded_line_is_read_as_swiftbar_reads_it():
    for record in records("lines"):
        answer = record["swiftbar_2_1_1"]
        title, params = host.parse_line(record["line"])
        item = host.Item(record["line"], 0, False, title, params)
        found = {"title": title, "shown": item.text, "params": params, "args": item.args, "bash": item.bash}
        assert found == {key: answer[key] for key in found}, record["line"]
        assert item.has_action == answer["has_action"], record["line"]
        assert params.get("stdin") == answer["stdin"]
        assert (params.get("refresh", "").lower() == "true") == answer["refresh"]
        assert (params.get("dropdown", "").lower() != "false") == answer["dropdown"]


def as_json(item):
    children = [as_json(child) for child in item.children]
    if item.separator:
        return {"children": children, "level": item.level, "separator": True}
    key = [
        host.title_key(item.title),
        "image" if item.key[1] else "",
        item.key[2] or "",
        "children" if children else "",
    ]
    return {
        "children": children,
        "level": item.level,
        "key": key,
        "title": item.title,
        "shown": item.text,
        "args": item.args,
    }


def without_details(item):
    kept = ("level", "separator") if "separator" in item else ("level", "key", "title", "shown", "args")
    return {**{name: item[name] for name in kept}, "children": [without_details(child) for child in item["children"]]}


def test_every_recorded_menu_becomes_the_same_tree():
    for record in records("menus"):
        answer = record["swiftbar_2_1_1"]
        header, items = host.parse_menu(record["frame"])
        assert header == answer["header"]
        assert [as_json(item) for item in items] == [without_details(item) for item in answer["items"]], record["frame"]


def test_every_recorded_change_of_an_open_menu_is_the_same():
    for record in records("diffs"):
        assert host.diff(record["old"], record["new"]) == record["swiftbar_2_1_1"], record


@pytest.mark.parametrize("version", ["swiftbar_2_0_1", "swiftbar_2_1_1"])
def test_every_recorded_sequence_of_reads_shows_the_same_contents(version):
    for record in records("chunks"):
        chunks = host.Chunks(trailing=record["trailing"], whole_characters=version == "swiftbar_2_1_1")
        for chunk in record["chunks"]:
            chunks.read(bytes(chunk))
        assert {"contents": chunks.contents, "left": chunks.left} == record[version], record
