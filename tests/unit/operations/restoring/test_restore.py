"""A restore reads all of a point before it starts anything, also what it has no use for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.unit.pipelines.backup import points as made

from tidewright import errors
from tidewright.model import backups
from tidewright.operations import restore, up
from tidewright.operations.restoring import points

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


def test_what_was_read_is_not_read_again(kept: made.Kept) -> None:
    store, file = kept.store, kept.file(EARLY)
    store.check(file)
    kept.blob(EARLY).unlink()
    store.check(file)
    with pytest.raises(errors.PromiseBroken):
        kept.store.check(file)
