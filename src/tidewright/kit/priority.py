"""Give way to the other services when there is not enough processor for all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_AUTOGROUP = Path("/proc/self/autogroup")


def give_way(nice: int) -> None:
    """Make this process, and on Linux its whole session, ``nice`` (0 to 19) to all others.

    Linux shares the processor among sessions first and looks at nice values only within one
    (``sched(7)``, "The autogroup feature"). Every service has a session of its own, so there the
    nice value of one process alone would change nothing.
    """
    os.nice(nice)
    with contextlib.suppress(OSError):  # no Linux, autogroups switched off, or a locked container
        _AUTOGROUP.write_text(str(nice))
