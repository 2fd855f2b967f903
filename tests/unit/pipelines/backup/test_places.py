"""A folder that is full, gone or read-only is named with a way out, and keeps what it had."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import pytest
from tests.unit.pipelines.backup import points

from tidewright import errors
from tidewright.pipelines.backup import places, store


@pytest.mark.parametrize(
    ("number", "word"),
    [(errno.ENOSPC, "full"), (errno.EROFS, "written to"), (errno.EIO, "cannot be used")],
)
def test_says_what_is_wrong_with_the_place(number: int, word: str) -> None:
    with pytest.raises(errors.StepFailed) as caught, places.reaching("/mnt/backups"):
        raise OSError(number, "as the kernel says")
    assert caught.value.code == "backup.place" and word in caught.value.what


def test_a_place_that_fills_up_in_the_middle(tmp_path: Path) -> None:
    """A device that is always full stands for the part that does not fit any more."""

    class Full(places.Folder):
        def adopt(self, part: Path, name: str) -> None:
            with places.reaching(self.title), Path("/dev/full").open("wb", buffering=0) as device:
                device.write(b"x")

    kept = points.keep(tmp_path)
    full = store.Store(Full(kept.root))
    with pytest.raises(errors.StepFailed) as caught:
        full.put(io.BytesIO(b"new"), "new", pack=False)
    assert caught.value.code == "backup.place"
    assert kept.codes() == {} and not any((kept.root / ".parts").iterdir())


def test_a_place_that_is_gone_and_came_back(tmp_path: Path) -> None:
    kept = points.keep(tmp_path)
    away = kept.root.rename(tmp_path / "unmounted")
    kept.root.write_text("in the way")
    with pytest.raises(errors.StepFailed) as caught:
        kept.store.put_bytes(b"new", "new", pack=False)
    assert caught.value.code == "backup.place"
    kept.root.unlink()
    away.rename(kept.root)
    assert kept.codes() == {}


def test_the_same_bytes_are_stored_once(tmp_path: Path) -> None:
    into = store.Store(places.Folder(tmp_path))
    for name in ("one", "two"):
        into.put_bytes(b"the same", name, pack=True)
    assert (into.counted.files, len(into.blobs())) == (1, 1)


def test_bytes_that_come_again_heal_what_the_disk_damaged(tmp_path: Path) -> None:
    """At the same size, where nothing but reading it would tell."""
    into = store.Store(places.Folder(tmp_path / "backups"))
    kept = into.put(io.BytesIO(b"as it was"), "a", pack=False)
    blob = tmp_path / "backups" / store.blob_name(kept.blob)
    blob.write_bytes(b"as it is.")
    assert into.put(io.BytesIO(b"as it was"), "b", pack=False).blob == kept.blob
    assert blob.read_bytes() == b"as it was"
    assert into.counted.files == 1


def test_advice_for_who_reads_is_not_that_for_who_writes(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    into = store.Store(places.Folder(tmp_path / "file"))
    with pytest.raises(errors.StepFailed) as caught:
        into.ids()
    assert caught.value.code == "backup.place"
    assert "blobs/ and points/" in caught.value.hint and "next run" not in caught.value.hint
    with pytest.raises(errors.StepFailed) as caught:
        into.put_bytes(b"new", "new", pack=False)
    assert places.AS_THEY_WERE in caught.value.hint
