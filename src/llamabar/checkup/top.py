"""The one finding that says why a server does not answer, for the menu."""

import os
from typing import Optional

from llamabar.checkup.collect import OF_A_SILENT_SERVER, collect
from llamabar.config import ServerSettings, Settings
from llamabar.core.events import Fault
from llamabar.doctor import checkup
from llamabar.doctor.finding import Finding


def top_finding(server: ServerSettings, fault: Fault) -> Optional[Finding]:
    """Return the finding that explains most why a server does not answer; None if nothing is wrong.

    Bounded to five seconds whatever hangs, and safe on any thread. It asks launchd, so it is for a server that does not
    answer, not for the steady state; the server itself is not asked: it may be there again by then.
    """
    facts = collect(os.environ, wanted=OF_A_SILENT_SERVER, settings=Settings((server,)), fault=fault)
    return checkup.top(checkup.findings(facts))
