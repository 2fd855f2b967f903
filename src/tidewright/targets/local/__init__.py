"""The local target: plain processes on this machine, under a supervisor of our own.

A platform becomes ``services.json`` and files (``lower``, ``render``); ``supervisor`` runs them,
one ``service.Runner`` each; ``driver`` is how a command talks to the supervisor; ``reaper``
removes what a crash left. Read ``supervisor`` first.
"""

from __future__ import annotations

from tidewright.targets import Support, Target

TARGET = Target(
    name="local",
    title="plain processes on this machine, loopback only",
    support=Support(processes=True, bundled_servers=True),
)
