"""What this machine has left for what is about to be started."""

from __future__ import annotations

import psutil


def free_mb() -> int:
    """Memory that can be had without swapping, in MiB."""
    return int(psutil.virtual_memory().available) >> 20
