"""Which checkpoint a JobManager begins with: the newest that is complete."""

from __future__ import annotations

import os
from pathlib import Path

from pyarrow import fs

from tidewright.model import native, values
from tidewright.pipelines.deploy import recover


def test_where_the_job_goes_on_from_is_said_before_the_job() -> None:
    """What comes after the job's first argument Flink hands to the job, and does not read."""
    launch = native.LaunchJob(("java", "Main"), "run", {}, "secrets")
    store = native.Objects("http://x", "b", "k", values.Secret("s"))
    job = native.JobManagerJob(launch, ("--job-classname", "X"), store, "checkpoints")
    assert recover.arguments(job, None) == ("--job-classname", "X")
    path = "-Dexecution.state-recovery.path=s3://b/checkpoints/a/chk-1"
    assert recover.arguments(job, "b/checkpoints/a/chk-1") == (path, "--job-classname", "X")


def checkpoint(folder: Path, job: str, number: int, at: int, *, complete: bool = True) -> Path:
    place = folder / "checkpoints" / job / f"chk-{number}"
    place.mkdir(parents=True)
    (place / "state").write_text("")
    if complete:
        (place / "_metadata").write_text("")
        os.utime(place / "_metadata", (at, at))
    return place


def newest(folder: Path) -> str | None:
    return recover.newest(fs.LocalFileSystem(), str(folder / "checkpoints"))


def test_none_before_the_first(tmp_path: Path) -> None:
    assert newest(tmp_path) is None


def test_the_newest_of_all_jobs_is_taken(tmp_path: Path) -> None:
    checkpoint(tmp_path, "aaa", 90, 1000)
    last = checkpoint(tmp_path, "bbb", 2, 2000)
    checkpoint(tmp_path, "bbb", 1, 1500)
    assert newest(tmp_path) == str(last)


def test_the_higher_number_is_the_newer_of_one_second(tmp_path: Path) -> None:
    checkpoint(tmp_path, "aaa", 9, 1000)
    last = checkpoint(tmp_path, "aaa", 10, 1000)
    checkpoint(tmp_path, "aaa", 8, 1000)
    assert newest(tmp_path) == str(last)


def test_one_that_was_not_finished_does_not_count(tmp_path: Path) -> None:
    done = checkpoint(tmp_path, "aaa", 1, 1000)
    checkpoint(tmp_path, "aaa", 2, 2000, complete=False)
    assert newest(tmp_path) == str(done)
