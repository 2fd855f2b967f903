"""``python -m tidewright.pipelines.ingest --job FILE``: the runner of one flow's assets."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from tidewright import errors
from tidewright.pipelines.ingest import runner


def main() -> int:
    parser = argparse.ArgumentParser(prog="tidewright-ingest")
    parser.add_argument("--job", type=Path, required=True)
    job = parser.parse_args().job
    # Leaving wherever we are is safe: a merge is one transaction.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        runner.Runner(job).run()
    except errors.PlatformError as reason:
        print(reason, file=sys.stderr, flush=True)  # noqa: T201  the log of the service
        return reason.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
