"""Explains in the menu why a server doesn't answer. The doctor's modules are imported only when that is asked."""

import os

from llamabar.core.events import Fault
from llamabar.core.status import Cause
from llamabar.settings.load import ServerSettings, Settings


def explain(server: ServerSettings, fault: Fault) -> Cause:
    """Return the finding that best explains why a server doesn't answer; its title is "" if nothing is wrong.

    Takes at most five seconds, whatever hangs, and is safe on any thread. Use it only for a server that doesn't answer,
    since it asks launchd. It neither queries the server, which may be back by then, nor starts a llama-swap.
    """
    from llamabar.doctor.checks import registry
    from llamabar.doctor.checks.network import NO_FIX
    from llamabar.doctor.checks.service import WONT_START
    from llamabar.doctor.collect.everything import OF_A_SILENT_SERVER, collect
    from llamabar.view.languages import said

    facts = collect(os.environ, wanted=OF_A_SILENT_SERVER, settings=Settings((server,)), fault=fault)
    found = registry.top(registry.findings(facts, translated=said))
    if found is None:
        return Cause()
    return Cause(found.title, "" if found.id in NO_FIX else found.remedy, found.id not in WONT_START)
