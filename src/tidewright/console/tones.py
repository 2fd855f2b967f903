"""How good a state is, as one of four tones; the style sheet gives each tone its colour.

A tone never stands alone: the word of the state is always shown beside it.
"""

from __future__ import annotations

GOOD, WARN, BAD, PLAIN = "good", "warn", "bad", "plain"
_TONES = {
    "running": GOOD, "following": GOOD, "ok": GOOD, "done": PLAIN,
    "starting": WARN, "waiting": WARN, "copying": WARN, "stopping": WARN, "degraded": WARN,
    "backoff": BAD, "failed": BAD, "unhealthy": BAD, "failing": BAD, "stopped": BAD,
}  # fmt: skip


def of(state: str) -> str:
    """The tone of a state's word."""
    return _TONES.get(state, PLAIN)


def worst(states: tuple[str, ...]) -> str:
    """The worst tone among several states."""
    found = {of(state) for state in states}
    return next((tone for tone in (BAD, WARN, GOOD) if tone in found), PLAIN)
