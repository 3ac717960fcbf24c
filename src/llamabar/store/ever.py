"""All-time sums from the history's database: counters continue from them after a restart."""

import os
import sqlite3
from contextlib import closing
from typing import Dict, List, Mapping, NamedTuple, Optional, Tuple

from llamabar.core.events import FinishedRequest
from llamabar.core.seen import MOST, Seen
from llamabar.core.totals import Sums, identity, total
from llamabar.macos.paths import HISTORY_FILE, data_folder
from llamabar.store.database import Mark, is_countable
from llamabar.store.packed import unpacked
from llamabar.store.places import place_of
from llamabar.store.reports import MINE
from llamabar.store.schema import FAULTS, HOURS, opened_to_read, understood


class Ever(NamedTuple):
    """Everything ever counted for a server, by model, and what distinguishes its rows from new ones."""

    models: Mapping[str, Sums]
    known: Seen = Seen()
    marks: Tuple[Mark, ...] = ()

    def lacks(self, row: FinishedRequest) -> bool:
        """Tell whether a row is still to be counted, by the database's own rules."""
        counted = identity(row) in self.known or any(mark.covers(row) for mark in self.marks)
        return is_countable(row) and not counted


def ever(environment: Mapping[str, str], name: str, url: str) -> Optional[Ever]:
    """Return what was ever counted for a server; None if nothing can be stored, so each start would count from zero."""
    folder = data_folder(environment)
    there = next(one for one in (folder, *folder.parents) if os.path.exists(one))
    try:
        database = opened_to_read(folder / HISTORY_FILE)
        if database is None:
            return Ever({}) if os.access(there, os.W_OK) else None
        with closing(database), understood():
            return _ever(database, (name, place_of(url)))
    except FAULTS:
        return None


def _ever(database: sqlite3.Connection, mine: Tuple[str, str]) -> Ever:
    days: Dict[str, List[Sums]] = {}
    of_days = f"SELECT word, sums FROM sums JOIN words ON words.id=model WHERE {MINE} AND time<'{HOURS}'"
    for model, said in database.execute(of_days, mine):
        days.setdefault(model, []).append(unpacked(said))
    numbers = "typeof(row_id)='integer' AND typeof(ended_s)='integer'"
    newest = f"SELECT row_id, ended_s FROM requests WHERE {MINE} AND {numbers} ORDER BY ended_s DESC LIMIT {MOST}"
    marks = f"SELECT mark_id, mark_s, pruned_s FROM (SELECT *, id AS server FROM servers) WHERE {MINE}"
    known = Seen(database.execute(newest, mine))
    found = tuple(Mark(*one) for one in database.execute(marks, mine))
    return Ever({model: total(sums) for model, sums in days.items()}, known, found)
