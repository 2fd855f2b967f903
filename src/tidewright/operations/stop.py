"""``stop``: end all processes of an environment in order; data, slot, ports and secrets stay.

``--release`` first gives the replication slot back to the source: no WAL is kept meanwhile, and
the next ``up`` copies every table anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tidewright.model import flow, jobs, observed
from tidewright.operations import changes, release, state, up, waiting
from tidewright.targets.local import driver

MB = 1024 * 1024
_SAMPLE_SECONDS = 1.0


def stop(environment: state.Environment, talk: up.Talk, *, give_back: bool = False) -> bool:
    """Stop everything. Returns False when nothing was running."""
    place = environment.place
    with state.alone(place):
        was_running = driver.running(place)
        if give_back:
            release.release(environment, talk)
        elif was_running:
            for line in kept(environment, capture_status(environment), wait=time.sleep):
                talk.say(line)
        if driver.running(place):
            driver.ask_stop(place)
            waiting.until_stopped(place, waiting.Teller(talk.say), up.STOP_SECONDS)
    name = f"{environment.applied.name}/{environment.name}"
    talk.say(f"Stopped {name}. Its data stays." if was_running else f"{name} is not running.")
    return was_running


def capture_status(environment: state.Environment) -> Callable[[], observed.CaptureStatus | None]:
    """Reads the capture's status file anew at each call."""
    return lambda: driver.read_status(environment.place, observed.CaptureStatus, "capture.json")


def kept(
    environment: state.Environment,
    read: Callable[[], observed.CaptureStatus | None],
    wait: Callable[[float], None],
) -> tuple[str, ...]:
    """What the slot keeps at the source while we are away, and for how long that may go on."""
    captures, now = changes.captures(environment.applied), read()
    if not captures or now is None or now.wal_kept_bytes is None:
        return ()
    source = captures[0].source
    size = f"The slot {source.slot} keeps {_size(now.wal_kept_bytes)} of WAL"
    if now.wal_cap_bytes is None:
        return (f"{size}; the source sets no cap (max_slot_wal_keep_size), so watch its disk.",)
    size += f" of at most {_size(now.wal_cap_bytes)}"
    if source.managed:
        return (f"{size}. Its server stops as well, so this does not grow.",)
    wait(_SAMPLE_SECONDS)
    return (f"{size}; {_when(captures[0], now, read())}",)


def _when(
    job: jobs.CaptureJob, before: observed.CaptureStatus, after: observed.CaptureStatus | None
) -> str:
    """When the cap is reached at the rate of this moment. Then the next ``up`` copies anew."""
    rate = _rate(before, after)
    left = (before.wal_cap_bytes or 0) - (before.wal_kept_bytes or 0)
    if rate <= 0:
        return f"the source {job.source.name} writes nothing at present. `--release` gives it back."
    return (
        f"at the present rate the cap is reached in about {_span(left / rate)}. After that the "
        "slot is lost and the next `up` copies all tables anew."
    )


def _rate(before: observed.CaptureStatus, after: observed.CaptureStatus | None) -> float:
    if after is None or not before.position or not after.position:
        return 0.0
    seconds = (after.at_ms - before.at_ms) / 1000
    grown = flow.lsn_value(after.position) - flow.lsn_value(before.position)
    return grown / seconds if seconds > 0 else 0.0


def _size(count: int) -> str:
    return f"{count / MB / 1024:.1f} GB" if count >= 1024 * MB else f"{count / MB:.0f} MB"


def _span(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 1):.0f} seconds"
