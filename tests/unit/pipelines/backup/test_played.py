"""What plays the outside world comes along, and only what changed is stored again."""

from __future__ import annotations

from pathlib import Path

from tests.unit.pipelines.backup import points

from tidewright.model import backups, jobs
from tidewright.pipelines.backup import played


def job(root: Path) -> jobs.BackupJob:
    folders = (jobs.Played("workload-load", str(root / "data" / "workload-load")),
               jobs.Played("absent", str(root / "data" / "absent")))  # fmt: skip
    return jobs.BackupJob(
        "p", "laptop", "platform.yaml", "", str(root / "run" / ".."), "", "", (), (), None, "b",
        played=folders,
    )  # fmt: skip


def test_comes_along_by_its_path_and_is_stored_once(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "workload-load"
    folder.mkdir(parents=True)
    (tmp_path / "run").mkdir()
    (folder / "shop.sqlite").write_text("one")
    (folder / "same").write_text("same")
    into = points.keep(tmp_path / "kept").store
    scratch = tmp_path / "scratch"
    before: backups.Tree | None = None
    for text, added in (("one", 2), ("another", 1)):
        (folder / "shop.sqlite").write_text(text)
        into.counted.files = 0
        with played.copied(job(tmp_path), scratch) as copy:
            before = played.put(into, copy, before)
        assert into.counted.files == added
    assert before is not None
    assert {f.path for f in before.files} == {
        "data/workload-load/same", "data/workload-load/shop.sqlite",
    }  # fmt: skip
    assert not list(scratch.iterdir())
