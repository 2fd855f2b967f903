"""The bank goes down and comes back: restored beside the old one, exact, whatever broke.

``TIDEWRIGHT_ROUNDS``: so many points are made and brought back, each exact (10 before a release).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import sampling
from tests.e2e.bank import TOOL, Bank
from tidewright.model import backups
from tidewright.pipelines.backup import places, store
from tidewright.targets.local import layout
from tidewright.vault import sealing

BACKUP = "\nbackup: {to: backups, every: 1h, keep: {last: 2, daily: 0, weekly: 0}, drill: 7d}\n"
CREATE = ("bases_stored", "cut_taken", "log_stored", "all_stored", "point_written")
RESTORE = (
    "begun", "lake_restored", "catalog_replayed", "lake_moved", "sources_replayed", "anchored",
    "proved",
)  # fmt: skip
TABLES = {"bank.users", "bank.accounts"}
ROUNDS = int(os.environ.get("TIDEWRIGHT_ROUNDS", "1"))


@pytest.fixture(scope="module")
def bank() -> Iterator[Bank]:
    """A bank at work, slowly, with backups that only these tests make after the first one."""
    with Bank() as made:
        file = made.folder / "platform.yaml"
        text = file.read_text().replace("rate: 1000", "rate: 100")
        file.write_text(text + BACKUP)
        made.up("--timeout", "400")
        made.wait("the first point is there", lambda _: len(points(made)) > 0, 400)
        yield made


def points(bank: Bank) -> list[str]:
    done = bank.run("backup", "list", "-o", "json")
    return [p["id"] for p in json.loads(done.stdout)["points"]]


def killed(bank: Bank, fault: str, *words: str) -> None:
    """Run a command that kills itself at a named point."""
    done = subprocess.run(
        [*TOOL, *words], cwd=bank.folder, capture_output=True, text=True, check=False,
        env=os.environ | {"TIDEWRIGHT_BACKUP_FAULT": fault},
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr


def create(bank: Bank) -> dict[str, Any]:
    done = bank.run("backup", "create", "-o", "json", seconds=400)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for a restored platform, which is destroyed at the end."""
    with tempfile.TemporaryDirectory(prefix="tidewright-restored-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder / "bank"
        if (folder / "bank").is_dir():
            run(folder / "bank", "destroy", "--yes")


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TOOL, *words], cwd=folder, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL, timeout=500,
    )  # fmt: skip


def restore(bank: Bank, into: Path, wanted: str = "latest") -> dict[str, Any]:
    done = bank.run(
        "restore", "--to", wanted, "--into", str(into), "-o", "json", seconds=500
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("number", range(ROUNDS))
def test_comes_back_beside_the_old_one_and_goes_on(bank: Bank, number: int) -> None:
    made = create(bank)
    assert made["exact"]
    with scratch() as into:
        found = restore(bank, into, made["id"])
        assert found["point"] == made["id"] and not found["copied_again"]
        assert {t["table"] for t in found["tables"]} == TABLES
        assert all(t["source_rows"] == t["lake_rows"] > 0 for t in found["tables"])
        up = run(into, "up", "--timeout", "400")
        assert up.returncode == 0, up.stderr
        verified = run(into, "verify", "-o", "json")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        raw = {i["name"] for i in json.loads(verified.stdout)["invariants"] if i["ok"]}
        assert "raw_data.users replays to bank.users" in raw
    bank.exact()


def test_the_second_point_brings_only_what_is_new(bank: Bank) -> None:
    first, second = create(bank), create(bank)
    assert second["added"] < first["bytes"] / 2
    with scratch() as into:
        restore(bank, into, first["id"])
    with scratch() as into:
        restore(bank, into)


def test_a_restore_never_writes_over_anything(bank: Bank) -> None:
    done = bank.run("restore", "--to", "latest", "--into", ".")
    assert done.returncode == 4 and "backup.into" in done.stderr


@pytest.mark.parametrize("fault", sampling.some(CREATE))
def test_a_killed_backup_costs_no_older_point(bank: Bank, fault: str) -> None:
    before = points(bank)
    killed(bank, fault, "backup", "create")
    for point in before:
        done = bank.run("backup", "verify", point)
        assert done.returncode == 0, done.stdout + done.stderr
    assert create(bank)["exact"]
    assert bank.run("backup", "verify").returncode == 0


@pytest.mark.parametrize("fault", sampling.some(("points_forgotten", "blobs_forgotten")))
def test_a_killed_prune_costs_no_kept_point(bank: Bank, fault: str) -> None:
    while len(points(bank)) < 4:
        create(bank)
    killed(bank, fault, "backup", "prune")
    assert bank.run("backup", "prune").returncode == 0
    assert len(points(bank)) == 2
    for point in points(bank):
        assert bank.run("backup", "verify", point).returncode == 0


def test_a_killed_restore_is_begun_anew_by_the_same_command(bank: Bank) -> None:
    with scratch() as into:
        words = ("restore", "--to", "latest", "--into", str(into))
        for fault in RESTORE:
            killed(bank, fault, *words)
            done = run(into, "up")
            refused = done.returncode != 0 and "Traceback" not in done.stderr
            assert refused, f"{fault}: {done.stderr}"
        assert "backup.unfinished" in done.stderr
        restore(bank, into)


@contextmanager
def copied(bank: Bank) -> Iterator[Path]:
    """The place as it was, brought back after a test broke it."""
    place = next((bank.folder / "backups").iterdir())
    with tempfile.TemporaryDirectory() as spare:
        shutil.copytree(place, Path(spare) / "copy")
        try:
            yield place
        finally:
            shutil.rmtree(place)
            shutil.copytree(Path(spare) / "copy", place)


def drilled(bank: Bank) -> dict[str, Any]:
    done = bank.run("drill", "-o", "json", seconds=500)
    report = dict(json.loads(done.stdout))
    assert done.returncode == (0 if report["ok"] else 7), done.stderr
    return report


def test_a_drill_is_good_and_says_how_long_it_took(bank: Bank) -> None:
    create(bank)
    report = drilled(bank)
    assert report["ok"], report["cause"]
    assert {g["name"] for g in report["goals"]} == {"rto", "rpo"}
    assert {t["table"] for t in report["tables"]} == TABLES
    assert all(t["missing"] == t["extra"] == t["different"] == 0 for t in report["tables"])
    signed = json.loads(Path(report["report"]).read_text())
    checker = sealing.own_checker(bank.root / "secrets")
    assert checker.genuine(signed["report"].encode(), signed["signature"])
    assert not list((bank.folder / layout.STATE).glob("drill/*"))


def test_a_drill_refuses_what_was_broken(bank: Bank) -> None:
    """Also what carries a right signature: the parts of another point, and two tables swapped."""
    older, newer = create(bank)["id"], create(bank)["id"]
    seed = sealing.maker(bank.root / "secrets", bank.folder / "unused", "test")[0]
    with copied(bank) as place:
        kept = store.Store(places.Folder(place))
        checker = sealing.Checker(seed.public)
        old, new = kept.point(older, checker), kept.point(newer, checker)
        for broken, code in (
            (_stale(old, new), "backup.stale_catalog"),
            (_swapped(kept, new), "backup.not_exact"),
        ):
            kept.put_point(broken, seed)
            assert drilled(bank)["code"] == code
        unopened = _with_early_log(kept, new)
        kept.put_point(replace(new, servers=(unopened, *new.servers[1:])), seed)
        early = kept.tree(unopened.wal).files[0]
        (place / store.blob_name(early.blob)).write_bytes(b"")
        assert drilled(bank)["code"] == "backup.damaged"
        listing = place / store.point_name(newer)
        listing.write_bytes(listing.read_bytes()[:999])
        assert drilled(bank)["code"] == "backup.manifest"
    assert drilled(bank)["ok"]


def _with_early_log(kept: store.Store, point: backups.Point) -> backups.Server:
    """The first server with a segment that its replay does not open, as older versions kept it."""
    server = point.servers[0]
    early = kept.put_bytes(b"early" * 1000, "000000010000000000000000", pack=True)
    log = backups.Tree((early, *kept.tree(server.wal).files))
    return replace(server, wal=kept.put_tree(log, f"{server.name}/log"))


def _stale(old: backups.Point, new: backups.Point) -> backups.Point:
    """The new point with the catalog's server of the old one."""
    stores = {s.name: s for s in old.servers}
    parts = tuple(s if s.captured else stores[s.name] for s in new.servers)
    old_marks = tuple(f for f in old.fingerprints)
    return replace(new, servers=parts, fingerprints=old_marks)


def _swapped(kept: store.Store, point: backups.Point) -> backups.Point:
    """Data files of two tables under each other's names, in a list that is rightly signed."""
    assert point.lake is not None
    tree = kept.tree(point.lake)
    one = next(f for f in tree.files if f.path.startswith("bank/users/data/"))
    other = next(f for f in tree.files if f.path.startswith("bank/accounts/data/"))
    moved = {one.path: replace(other, path=one.path), other.path: replace(one, path=other.path)}
    files = tuple(moved.get(f.path, f) for f in tree.files)
    return replace(point, lake=kept.put_tree(backups.Tree(files, tree.folders), "lake"))
