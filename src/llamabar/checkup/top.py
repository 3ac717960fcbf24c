"""The one finding that says why a server does not answer, for the menu."""

import os
from typing import Optional

from llamabar.checkup.collect import OF_A_SILENT_SERVER, collect
from llamabar.config import Settings
from llamabar.doctor import checkup
from llamabar.doctor.finding import Finding


def top_finding(settings: Settings) -> Optional[Finding]:
    """Return the finding that explains most why the first server does not answer; None if nothing is wrong.

    Bounded to five seconds whatever hangs, and safe on any thread. It asks launchd, so it is for a server that does not
    answer, not for the steady state.
    """
    facts = collect(os.environ, wanted=OF_A_SILENT_SERVER, settings=settings)
    return checkup.top(checkup.findings(facts))
