"""``stop --release`` gave the slot back: a mark in ``run/`` says that its loss was meant.

Without the mark a missing slot stops the worker, because what came since cannot be known.
"""

from __future__ import annotations

from pathlib import Path

MARK = "released"


def is_meant(mark: Path, slot: str) -> bool:
    """Whether this very slot was given back on purpose."""
    try:
        return mark.read_text(encoding="utf-8").strip() == slot
    except FileNotFoundError:
        return False


def clear(mark: Path) -> None:
    """Every table has been copied again: from now on a missing slot is a loss."""
    mark.unlink(missing_ok=True)
