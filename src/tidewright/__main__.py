"""``python -m tidewright``."""

from __future__ import annotations

from tidewright.cli import main

main.main()
