"""Which loopback port each service listens on: chosen once, remembered in ``ports.json``.

The search starts at a place derived from the platform's own id, so that platforms side by side
do not meet even when one of them is stopped. The range lies below the ephemeral ports, which
the kernel hands to outgoing connections.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tidewright import errors
from tidewright.kit import files, ports

FIRST, LAST = 20_000, 31_999
FILE = "ports.json"
Free = Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One port of one service. ``busy``: we listen there ourselves, so it need not be free."""

    service: str
    port: str
    busy: bool = False

    @property
    def key(self) -> str:
        return f"{self.service}.{self.port}"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The ports, and a sentence for each one that had to change."""

    numbers: Mapping[str, int]
    notes: tuple[str, ...]


def choose(
    wanted: Iterable[Wanted], remembered: Mapping[str, int], seed: str, free: Free = ports.is_free
) -> Chosen:
    """Keep what is remembered and still usable, find the rest. Pure but for ``free``."""
    numbers: dict[str, int] = {}
    notes: list[str] = []
    wishes = tuple(wanted)
    kept = {w.key: remembered[w.key] for w in wishes if w.key in remembered}
    for wish in wishes:
        old = kept.get(wish.key)
        if old is not None and (wish.busy or free(old)):
            numbers[wish.key] = old
            continue
        numbers[wish.key] = new = _search(
            f"{seed}/{wish.key}", {*numbers.values(), *kept.values()}, free
        )
        if old is not None:
            notes.append(
                f"Port {old} of {wish.service} is taken by another program: it listens on {new} now"
            )
    return Chosen(numbers, tuple(notes))


def read(root: Path) -> dict[str, int]:
    """The remembered ports; empty when there are none or the file is damaged."""
    try:
        found = json.loads((root / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in found.items() if isinstance(v, int)} if isinstance(found, dict) else {}


def write(root: Path, numbers: Mapping[str, int]) -> None:
    """Remember the ports."""
    text = json.dumps(dict(numbers), indent=1, sort_keys=True)
    files.replace(root / FILE, text + "\n", files.PRIVATE_FILE)


def _search(seed: str, taken: Collection[int], free: Free) -> int:
    size = LAST - FIRST + 1
    start = zlib.crc32(seed.encode()) % size
    for step in range(size):
        port = FIRST + (start + step) % size
        if port not in taken and free(port):
            return port
    raise errors.Refused(
        "local.no_port",
        f"no port between {FIRST} and {LAST} is free",
        ports.LOOPBACK,
        "Stop some of the programs that listen there, then run the command again.",
    )
