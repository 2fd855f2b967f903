"""A job file that changes while the worker runs."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tidewright.model import codec, flow, jobs, values
from tidewright.pipelines.worker import orders

AT = flow.Connection("127.0.0.1", 5432, "bank", "bank", values.Secret("pw"))
JOB = jobs.CaptureJob(
    name="bank",
    source=flow.PostgresSource("bank", AT, "pub", "slot", managed=True),
    capture=flow.Capture("bank", ("bank.users",), "raw_data", {"bank.users": ("id",)}),
    lake=jobs.Lake(AT, "/lake"),
    secrets="/secrets",
    status="/run/capture.json",
)


def tables(*names: str) -> jobs.CaptureJob:
    return replace(JOB, capture=replace(JOB.capture, tables=names))


def test_another_table_is_taken_up() -> None:
    assert orders.same_but_tables(JOB, tables("bank.users", "bank.accounts"))


@pytest.mark.parametrize(
    "new",
    [
        replace(JOB, commit_every=1.0),
        replace(JOB, source=replace(JOB.source, slot="other")),
        replace(JOB, capture=replace(JOB.capture, raw_columns={"bank.users": ("id", "email")})),
    ],
)
def test_anything_else_needs_a_restart(new: jobs.CaptureJob) -> None:
    assert not orders.same_but_tables(JOB, new)


def test_a_change_is_told_once(tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    file.write_text(codec.dumps(JOB))
    found = orders.Orders(file)
    assert found.changed(0.0) is None
    file.write_text(codec.dumps(tables("bank.accounts")))
    os.utime(file, ns=(1, 1))
    assert found.changed(0.5) is None, "looked at too often"
    assert found.changed(2.0) == tables("bank.accounts")
    assert found.changed(4.0) is None
