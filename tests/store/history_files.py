"""Histories for the tests: rows of made-up requests, writers in a folder, and the content of a file."""

import time

from llamabar.core.events import FinishedRequest
from llamabar.core.totals import Rows
from llamabar.macos.paths import HISTORY_FILE
from llamabar.store import reports, schema
from llamabar.store.reports import Asked
from llamabar.store.writer import Writer

URL, OTHER_URL = "http://127.0.0.1:9001", "http://127.0.0.1:9002"
NOON = time.mktime((2026, 11, 24, 12, 0, 0, 0, 0, -1))
DAY_S = 86_400.0


def row(row_id, at_s=NOON, model="m", *, generated=100, tps=50.0, **more):
    known = {"prompt_tokens": 10, "generated_tokens": generated, "generation_tps": tps, **more}
    return FinishedRequest(row_id, model, at_s, **known)


def rows(*ids, at_s=NOON, name="one", url=URL, **more):
    """Return rows that end a second apart."""
    return Rows(name, url, tuple(row(one, at_s + index) for index, one in enumerate(ids)), **more)


class Watcher:
    """A writer that writes at once, and what it reported."""

    def __init__(self, folder, *, days=90, plugin=""):
        self.told = []
        environment = {"LLAMABAR_DATA_DIR": str(folder), "LLAMABAR_FILE": plugin}
        self.writer = Writer(environment, lambda name, said: self.told.append((name, said)), days=days)

    def add(self, *batches):
        for batch in batches:
            self.writer.take(batch)
        self.writer.write()
        return self


def lines(folder, by="day", **asked):
    found = schema.opened_to_read(folder / HISTORY_FILE)
    try:
        return reports.lines(found, by, Asked(**asked))
    finally:
        found.close()


def counted(folder, by="day"):
    """Return how many requests are stored, by server."""
    found = {}
    for line in lines(folder, by):
        found[line.server] = found.get(line.server, 0) + line.sums.requests
    return found
