"""Every other example is backed up, drilled, and brought back beside the old one, and goes on."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bank import TOOL, Bank
from tests.unit.pipelines.backup import bucket_server
from tidewright.targets.local import layout

# What must be among the invariants or tables that a restore proves, without asking anybody outside.
PROVED = {
    "elt-lakehouse": ("bronze.orders: each record once", "no_order_without_customer"),
    "user-events": (
        "raw_data.users_topic in user_events.accepted_events or user_events.dead_letters",
        "user_events.users is the last of each key of user_events.accepted_events",
    ),
    "clickstream": (
        "clickstream.sessions", "clickstream.sessions: events add up", "olap.pages_per_minute",
    ),
    "branching-lakehouse": (
        "main has audited runs only", "no commit of main shows a row that fails a check",
    ),
}  # fmt: skip
DRILLED = "user-events"
IN_A_BUCKET = "elt-lakehouse"


@contextlib.contextmanager
def bucket(bank: Bank) -> Iterator[tuple[str, ...]]:
    """The platform keeps its points in a bucket; yields how a restore finds them without it."""
    with bucket_server.Server() as s3:
        keys = f"endpoint: '{s3.endpoint}', credentials: {{secret: backup_bucket}}"
        file = bank.folder / "platform.yaml"
        file.write_text(f"{file.read_text()}\nbackup: {{to: 's3://kept/all', {keys}}}\n")
        bank.secret("backup_bucket", f"{bucket_server.KEY}:{bucket_server.SECRET}")
        place = layout.platform_id(bank.folder)
        source = f"s3://kept/all/shop-laptop-{place}"
        key = bank.folder / ".tidewright" / "recovery-laptop.key"
        yield ("--from", source, "--endpoint", s3.endpoint, "--key", str(key))


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TOOL, *words], cwd=folder, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL, timeout=300,
    )  # fmt: skip


def told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout))


def proved(found: dict[str, Any]) -> set[str]:
    assert all(i["ok"] for i in found["invariants"])
    assert all(t["missing"] == t["extra"] == t["different"] == 0 for t in found["tables"])
    return {i["name"] for i in found["invariants"]} | {t["table"] for t in found["tables"]}


@pytest.mark.parametrize("example", PROVED)
def test_comes_back_by_its_own_proof_and_goes_on(
    example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", bucket_server.KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", bucket_server.SECRET)
    with contextlib.ExitStack() as leaving:
        old = leaving.enter_context(Bank(example))
        spare = leaving.enter_context(tempfile.TemporaryDirectory(prefix="tidewright-back-"))
        Path(spare).chmod(0o755)
        into = Path(spare) / "new"
        at = leaving.enter_context(bucket(old)) if example == IN_A_BUCKET else ()
        old.up("--timeout", "300")
        old.wait_well(120)
        made = told(old.run("backup", "create", "-o", "json", seconds=300))
        if example == DRILLED:  # a drill proves what a restore proves, by the same code
            drilled = told(old.run("drill", "-o", "json", seconds=300))
            assert drilled["ok"] and proved(drilled) >= set(PROVED[example]), drilled
        # One that runs is left alone by a restore; here it only makes room for the other.
        assert old.run("stop").returncode == 0
        words = ("restore", *at, "--to", made["id"], "--into", str(into), "-o", "json")
        back = told(old.run(*words, seconds=300))
        assert proved(back) >= set(PROVED[example])
        try:
            up = run(into, "up", "--timeout", "300")
            assert up.returncode == 0, up.stderr
            verified = told(run(into, "verify", "-o", "json"))
            assert verified["ok"], verified
        finally:
            run(into, "destroy", "--yes")
