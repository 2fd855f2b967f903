"""``python -m tidewright.pipelines.senders --job FILE``: the senders of one endpoint."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from tidewright.pipelines.senders import runner


def main() -> None:
    parser = argparse.ArgumentParser(prog="tidewright-senders")
    parser.add_argument("--job", type=Path, required=True)
    job = parser.parse_args().job
    # Leaving wherever we are is safe: what has no answer yet is in the ledger.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    runner.Runner(job).run()


if __name__ == "__main__":
    main()
