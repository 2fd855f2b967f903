"""A restore reads all of a point before it starts anything, also what it has no use for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.unit.pipelines.backup import points as made

from tidewright import errors
from tidewright.model import backups
from tidewright.operations import restore, unfinished, up
from tidewright.operations.restoring import points
from tidewright.targets.local import layout

EARLY = "000000010000000000000001"
TALK = up.Talk(say=lambda _: None, ask=lambda _: True)


class Started(Exception):
    """The first server would be started now."""


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> made.Kept:
    """A point whose log begins before its copy; and a restore that stops at the first server."""

    def stop(*_: object) -> None:
        raise Started

    ground = SimpleNamespace(place=None, environment=None)
    monkeypatch.setattr(restore.ground, "prepare", lambda *_: ground)
    monkeypatch.setattr(restore.ground, "fetch_played", lambda *_: None)
    monkeypatch.setattr(restore.lake, "fetch", lambda *_: None)
    monkeypatch.setattr(restore.replay, "fetch", lambda *_: None)
    monkeypatch.setattr(restore, "_servers", stop)
    kept = made.keep(tmp_path)
    server = kept.point.servers[0]
    early = kept.store.put_bytes(EARLY.encode() * 1000, EARLY, pack=True)
    log = backups.Tree((early, *kept.store.tree(server.wal).files))
    kept.sign(replace(kept.point, servers=(replace(server, wal=kept.store.put_tree(log, "log")),)))
    return kept


def begin(kept: made.Kept, into: Path) -> None:
    source = points.Source(kept.store, kept.recovery)
    restore.restore(source, kept.point.id, into, TALK)


def test_a_good_point_is_started(kept: made.Kept, tmp_path: Path) -> None:
    with pytest.raises(Started):
        begin(kept, tmp_path / "new")


@pytest.mark.parametrize("path", [EARLY, "bank/users/data/a.parquet", "base/5/16384"])
def test_a_bit_that_nobody_needs_counts(kept: made.Kept, tmp_path: Path, path: str) -> None:
    blob = kept.blob(path)
    content = blob.read_bytes()
    for broken in (content[:-1], b"", bytes([content[0] ^ 1]) + content[1:]):
        blob.write_bytes(broken)
        with pytest.raises(errors.PromiseBroken, match=path) as caught:
            begin(kept, tmp_path / "new")
        assert caught.value.code == "backup.damaged"


@pytest.mark.parametrize("there", [False, True])
def test_a_refused_restore_leaves_nothing(
    kept: made.Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    """Neither in the folder nor where state is for root. A folder that was there stays, empty."""
    monkeypatch.setattr(layout, "SYSTEM", tmp_path / "system")
    into, places = tmp_path / "new", []

    def prepare(_: object, point: backups.Point, into: Path, __: object) -> SimpleNamespace:
        place = layout.create(into, point.environment)
        (into / "models").mkdir()
        (into / "models" / "a.sql").write_text("select 1")
        (place.secrets / "a").write_text("not to be seen")
        places.append(place.root)
        return SimpleNamespace(place=place, environment=None)

    monkeypatch.setattr(restore.ground, "prepare", prepare)
    if there:
        into.mkdir()
    kept.blob(EARLY).write_bytes(b"")
    with pytest.raises(errors.PromiseBroken):
        begin(kept, into)
    (root,) = places
    assert not root.exists() and not (root.parent.name != ".tidewright" and root.parent.exists())
    assert into.is_dir() == there and not list(tmp_path.glob("new/*"))


def test_an_interrupted_restore_and_one_with_a_log_to_read_stay(
    kept: made.Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    into = tmp_path / "new"
    with pytest.raises(Started):
        begin(kept, into)
    assert unfinished.is_marked(into)

    def fail(*_: object) -> None:
        raise errors.PromiseBroken("backup.replay", "it did not come up", "store", "See its log.")

    monkeypatch.setattr(restore, "_servers", fail)
    with pytest.raises(errors.PromiseBroken):
        begin(kept, into)
    assert unfinished.is_marked(into)


def test_what_was_read_is_not_read_again(kept: made.Kept) -> None:
    store, file = kept.store, kept.file(EARLY)
    store.check(file)
    kept.blob(EARLY).unlink()
    store.check(file)
    with pytest.raises(errors.PromiseBroken):
        kept.store.check(file)
