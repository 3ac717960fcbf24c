"""Why a server does not answer, for the menu. What the doctor needs is imported when it is asked, not before."""

import os

from llamabar.core.events import Fault
from llamabar.core.status import Cause
from llamabar.settings.load import ServerSettings, Settings


def explain(server: ServerSettings, fault: Fault) -> Cause:
    """Return the finding that explains most why a server does not answer; its title is "" if nothing is wrong.

    Takes at most five seconds whatever hangs, and is safe on any thread. It asks launchd, so it is for a server that
    does not answer. It neither asks the server, which may be there again by then, nor starts a llama-swap.
    """
    from llamabar.doctor.checks import registry
    from llamabar.doctor.collect.everything import OF_A_SILENT_SERVER, collect

    facts = collect(os.environ, wanted=OF_A_SILENT_SERVER, settings=Settings((server,)), fault=fault)
    found = registry.top(registry.findings(facts))
    return Cause(found.title, found.remedy) if found is not None else Cause()
