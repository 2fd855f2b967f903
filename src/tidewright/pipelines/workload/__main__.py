"""``python -m tidewright.pipelines.workload --job FILE``: one runner process per managed source."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from tidewright.pipelines.workload import runner


def main() -> None:
    parser = argparse.ArgumentParser(prog="tidewright-workload")
    parser.add_argument("--job", type=Path, required=True)
    job = parser.parse_args().job
    # Leaving wherever we are is safe: the server rolls back what was not committed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    runner.Runner(job).run()


if __name__ == "__main__":
    main()
