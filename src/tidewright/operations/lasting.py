"""Errors that no waiting mends, as running services say them in their status files.

A service tries again for ever, because what it needs may come back. A command that waits for it
need not: what a wrong password lacks is a person. Which codes are such, ``errors`` knows.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tidewright import errors
from tidewright.errors import tables
from tidewright.model import observed
from tidewright.targets.local import description

# Said once it may be the last word of what was there before; said again it was tried again.
APART_MS = 1000
# What another service of ours may still be about to mend: only believed once all others are well.
LATER_MS = {"source.table_missing": 5_000, "source.no_free_slot": 5_000}
_SAID = re.compile(r"(?P<what>.*) \[(?P<code>[a-z_]+\.[a-z_]+)\]\. (?P<hint>.*)", re.DOTALL)


def _now() -> int:
    return int(time.time() * 1000)


@dataclass(slots=True)
class Watch:
    """Believes an error that a process of now has said twice, since this watch began."""

    began_ms: int = field(default_factory=_now)
    _heard: dict[str, tuple[int, str]] = field(default_factory=dict)

    def look(
        self, wanted: description.Description, status: observed.SupervisorStatus
    ) -> errors.StepFailed | None:
        """The first error that will last. Call it with a status about ``wanted`` only."""
        pids = {s.name: s.pid for s in status.services if not s.healthy and s.pid}
        ill = [s for s in status.services if not s.healthy and s.state != "waiting"]
        for service, at_ms, message in self._beats(wanted, pids):
            said = _SAID.fullmatch(message)
            known = tables.all_codes().get(said["code"]) if said else None
            later = said is not None and said["code"] in LATER_MS
            hopeful = known is None or not (known.lasting or (later and len(ill) == 1))
            if said is None or hopeful:
                self._heard.pop(service, None)
                continue
            first = self._heard.setdefault(service, (at_ms, said["code"]))
            if first[1] != said["code"]:
                self._heard[service] = (at_ms, said["code"])
            elif at_ms - first[0] >= LATER_MS.get(said["code"], APART_MS):
                return _error(service, said)
        return None

    def _beats(
        self, wanted: description.Description, pids: dict[str, int]
    ) -> Iterator[tuple[str, int, str]]:
        """What unhealthy services said last, each with when: service, epoch ms, message."""
        for unit in wanted.units:
            if unit.name not in pids or not isinstance(unit.probe, description.HeartbeatProbe):
                continue
            try:
                beat = json.loads(Path(unit.probe.file).read_text(encoding="utf-8"))
                at_ms, pid, message = int(beat["at_ms"]), beat["pid"], str(beat["message"])
            except (OSError, ValueError, KeyError, TypeError):
                continue  # not written yet
            if at_ms >= self.began_ms and pid == pids[unit.name] and not beat.get("healthy"):
                yield unit.name, at_ms, message


def _error(service: str, said: re.Match[str]) -> errors.StepFailed:
    hint = f"{said['hint']} Everything else goes on; `tidewright up` again sees whether it helped."
    return errors.StepFailed(said["code"], said["what"], f"service {service}", hint)
