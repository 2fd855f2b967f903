"""``python -m tidewright.pipelines.refresh --job FILE``: the refresh runner of one flow."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from tidewright.pipelines.refresh import waiter


def main() -> None:
    parser = argparse.ArgumentParser(prog="tidewright-refresh")
    parser.add_argument("--job", type=Path, required=True)
    job = parser.parse_args().job
    # Leaving wherever we are is safe: a publication is one transaction.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    waiter.Waiter(job).run()


if __name__ == "__main__":
    main()
