"""``python -m tidewright.pipelines.backup --job FILE``: the backup service of one environment."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path

from tidewright.model import codec, jobs
from tidewright.pipelines.backup import keeper


def main() -> None:
    parser = argparse.ArgumentParser(prog="tidewright-backup")
    parser.add_argument("--job", type=Path, required=True)
    file: Path = parser.parse_args().job
    job = codec.loads(jobs.BackupJob, file.read_text(encoding="utf-8"))
    service = keeper.Keeper(job, _say)
    # A point that is half made leaves nothing that counts.
    signal.signal(signal.SIGTERM, lambda *_: service.stop())
    service.run()


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  a service's log is its output


if __name__ == "__main__":
    main()
