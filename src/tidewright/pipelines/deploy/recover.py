"""``python -m tidewright.pipelines.deploy.recover --job FILE``: Flink's JobManager, where it stood.

A JobManager without a high-availability service forgets its job when it ends. The checkpoints stay
in the object store, so the newest complete one is where the next JobManager begins; the lake and
the topics' offsets then go on from one moment.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from pyarrow import fs

from tidewright.clients import launch, objects
from tidewright.model import codec, native
from tidewright.vault import files as vault

# Flink writes this file of a checkpoint last (docs: "Directory Structure" of checkpoints).
COMPLETE = "_metadata"


def main(argv: Sequence[str] | None = None) -> NoReturn:
    parser = argparse.ArgumentParser(prog="tidewright.pipelines.deploy.recover")
    parser.add_argument("--job", type=Path, required=True)
    file: Path = parser.parse_args(argv).job
    job = codec.loads(native.JobManagerJob, file.read_text(encoding="utf-8"))
    secrets = str(job.launch.secrets)
    at = objects.store(job.objects, lambda name: vault.read(secrets, name))
    found = newest(at, f"{job.objects.bucket}/{job.checkpoints}")
    said = f"the job goes on from the checkpoint {found}" if found else "the job begins anew"
    print(said, flush=True)  # noqa: T201  the service's log
    launch.become(job.launch, arguments(job, found))


def arguments(job: native.JobManagerJob, found: str | None) -> tuple[str, ...]:
    """What follows the JobManager's own arguments: where the job goes on from, then the job."""
    restored = (f"-Dexecution.state-recovery.path=s3://{found}",) if found else ()
    return (*restored, *map(str, job.work))


def newest(at: fs.FileSystem, folder: str) -> str | None:
    """The path of the newest complete checkpoint below ``folder``; None when there is none."""
    wanted = fs.FileSelector(folder, allow_not_found=True, recursive=True)
    complete = [f for f in at.get_file_info(wanted) if f.base_name == COMPLETE]
    if not complete:
        return None
    return str(max(complete, key=_age).path.rpartition("/")[0])


def _age(found: fs.FileInfo) -> tuple[int, int]:
    """By time, then by number: a store may know whole seconds, and checkpoints come faster."""
    number = found.path.split("/")[-2].rpartition("-")[2]
    return found.mtime_ns or 0, int(number) if number.isdigit() else 0


if __name__ == "__main__":
    sys.exit(main())
