"""Examines a Mac repeatedly as its user, without restarting: one JSON request per line, one answer per line.

A request: {"wanted": [facts], "environment": {…}, "without": [variables], "fix": id}. An answer: {"findings": {id: …},
"took_s": …, "troubles": {fact: why}}.
"""

import json
import os
import sys
import time
from dataclasses import asdict

from llamabar.doctor import fixes
from llamabar.doctor.checks import registry
from llamabar.doctor.collect.everything import EVERYTHING, collect


def answer(question):
    saved = dict(os.environ)
    os.environ.update(question["environment"])
    for name in question["without"]:
        os.environ.pop(name, None)
    began_s = time.monotonic()
    try:
        facts = collect(os.environ, wanted=frozenset(question["wanted"] or EVERYTHING))
        took_s = time.monotonic() - began_s
        found = registry.findings(facts)
        if question.get("fix"):
            trouble = fixes.what(question["fix"], facts) and fixes.fix(question["fix"], facts)
            return {"trouble": trouble, "findings": {}, "took_s": 0.0, "troubles": {}}
        return {"findings": {one.id: asdict(one) for one in found}, "took_s": took_s, "troubles": dict(facts.troubles)}
    finally:
        os.environ.clear()
        os.environ.update(saved)


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
os._exit(0)
