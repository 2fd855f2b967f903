"""``python -m tidewright.pipelines.serve --job FILE``: play one source until told to end."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from tidewright.pipelines.serve import runner


def main() -> None:
    parser = argparse.ArgumentParser(prog="tidewright-serve")
    parser.add_argument("--job", type=Path, required=True)
    job = parser.parse_args().job
    # Leaving wherever we are is safe: the script's own transactions are its affair.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    runner.Runner(job).run()


if __name__ == "__main__":
    main()
