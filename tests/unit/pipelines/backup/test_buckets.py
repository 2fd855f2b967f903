"""A bucket as a place: everything a folder can, and each refusal of its server in our words."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.pipelines.backup import bucket_server, points

from tidewright import errors
from tidewright.model import jobs, values
from tidewright.pipelines.backup import buckets, places, proof, prune, store
from tidewright.vault import files as vault


@pytest.fixture
def s3() -> Iterator[bucket_server.Server]:
    with bucket_server.Server() as made:
        yield made


def bucket(
    s3: bucket_server.Server, folder: Path, secret: str = "", name: str = bucket_server.NAME
) -> buckets.Bucket:
    key = secret or f"{bucket_server.KEY}:{bucket_server.SECRET}"
    vault.write(folder / "vault", "bucket", key)
    at = jobs.Bucket(name, "there", s3.endpoint, "eu-central-1", values.Secret("bucket"))
    return buckets.Bucket(at, "bank-laptop-1", folder / "vault", folder / "spool")


def filled(s3: bucket_server.Server, folder: Path) -> tuple[store.Store, points.Kept]:
    """The test's point, copied into the bucket as a run would put it there."""
    kept = points.keep(folder / "kept")
    place = bucket(s3, folder)
    into = store.Store(place)
    for name, _ in kept.store.place.names(store.BLOBS):
        content = (kept.root / store.BLOBS / name).read_bytes()
        part = places.part(place)
        part.write_bytes(content)
        place.adopt(part, f"{store.BLOBS}/{name}")
    into.put_point(kept.point, kept.maker)
    return into, kept


def test_a_point_there_is_read_to_the_last_byte(s3: bucket_server.Server, tmp_path: Path) -> None:
    into, kept = filled(s3, tmp_path)
    assert all(key.startswith("kept/there/bank-laptop-1/") for key in s3.objects)
    assert into.ids() == (kept.point.id,)
    assert into.point(kept.point.id, kept.recovery.checker) == kept.point
    assert not list(proof.findings(into, kept.point, kept.recovery))
    assert not list((tmp_path / "spool").iterdir())


def test_what_was_changed_or_taken_away_there_is_found(
    s3: bucket_server.Server, tmp_path: Path
) -> None:
    into, kept = filled(s3, tmp_path)
    names = {p: store.blob_name(kept.file(p).blob) for p in (points.SEGMENTS[1], "PG_VERSION")}
    torn, gone = (f"kept/there/bank-laptop-1/{name}" for name in names.values())
    s3.objects[torn] = s3.objects[torn][:-3] + b"abc"
    del s3.objects[gone]
    codes = {f.code for f in proof.findings(store.Store(into.place), kept.point, kept.recovery)}
    assert codes == {"backup.damaged", "backup.missing_file"}


def test_blobs_that_no_point_names_go(s3: bucket_server.Server, tmp_path: Path) -> None:
    into, kept = filled(s3, tmp_path)
    into.put_bytes(b"nobody names this", "x", pack=False)
    into.place.settle()
    before = set(s3.objects)
    gone = prune.prune(store.Store(into.place), kept.recovery.checker, jobs.Retention())
    assert gone.blobs == 1 and len(before - set(s3.objects)) == 1
    assert not list(proof.findings(store.Store(into.place), kept.point, kept.recovery))
    into.place.remove("points/never-there.json")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((403, "AccessDenied"), "refused"),
        ((507, "XMinioStorageFull"), "full"),
        ((400, "QuotaExceeded"), "full"),
    ],
)
def test_a_server_that_refuses_to_write(
    s3: bucket_server.Server, tmp_path: Path, answer: tuple[int, str], words: str
) -> None:
    into, kept = filled(s3, tmp_path)
    s3.refusing = answer
    with pytest.raises(errors.StepFailed) as caught:
        into.put_bytes(b"new", "x", pack=False)
        into.place.settle()
    assert caught.value.code == "backup.place" and words in caught.value.what
    with pytest.raises(errors.StepFailed):
        into.put_point(kept.point, kept.maker)
    # What was there before is as it was.
    assert not list(proof.findings(into, kept.point, kept.recovery))


def test_full_in_the_middle_leaves_no_point(s3: bucket_server.Server, tmp_path: Path) -> None:
    place = bucket(s3, tmp_path)
    into, kept = store.Store(place), points.keep(tmp_path / "kept")
    s3.most = 4000
    with pytest.raises(errors.StepFailed) as caught:
        for n in range(20):
            into.put_bytes(bytes([n]) * 1000, str(n), pack=False)
        into.put_point(kept.point, kept.maker)
    assert "full" in caught.value.what
    assert into.ids() == ()
    s3.most = None
    into = store.Store(bucket(s3, tmp_path))
    into.put_point(kept.point, kept.maker)
    assert into.ids() == (kept.point.id,)


def test_gone_wrong_key_and_no_bucket(s3: bucket_server.Server, tmp_path: Path) -> None:
    with pytest.raises(errors.StepFailed, match="refused") as caught:
        bucket(s3, tmp_path, "SOMEBODY:else").reach()
    assert caught.value.code == "backup.place"
    with pytest.raises(errors.StepFailed, match="no such bucket"):
        bucket(s3, tmp_path, name="elsewhere").reach()
    with pytest.raises(errors.Refused) as refused:
        bucket(s3, tmp_path, "no colon in it")
    assert refused.value.code == "backup.credentials"


def test_a_server_that_goes_away_while_reading_is_no_damaged_backup(
    s3: bucket_server.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "ATTEMPTS", 1)
    into, kept = filled(s3, tmp_path)
    bucket(s3, tmp_path).reach()
    reader = into.place.open(store.blob_name(kept.file(points.SEGMENTS[0]).blob))
    s3.refusing, s3.refusing_reads = (503, "SlowDown"), True
    began = time.monotonic()
    with pytest.raises(errors.StepFailed) as caught:
        reader.read()
    assert caught.value.code == "backup.place"
    assert time.monotonic() - began < 60
