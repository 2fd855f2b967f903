"""Every way to break a backup is found, with the cause and the part that it hit."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.pipelines.backup import points

from tidewright import errors
from tidewright.operations.restoring import points as choosing
from tidewright.pipelines.backup import project, store
from tidewright.vault import sealing


@pytest.fixture
def kept(tmp_path: Path) -> points.Kept:
    return points.keep(tmp_path)


def refusal(kept: points.Kept, key: sealing.Recovery | None = None, wanted: str = "latest") -> str:
    """The code by which a restore or drill of the point is refused at once."""
    with pytest.raises(errors.PlatformError) as caught:
        choosing.choose(choosing.Source(kept.store, key or kept.recovery), wanted)
    return caught.value.code


def test_a_good_point_has_no_finding(kept: points.Kept) -> None:
    assert kept.codes() == {}
    source = choosing.Source(kept.store, kept.recovery)
    assert choosing.choose(source, "latest") == kept.point
    assert choosing.choose(source, kept.point.id) == kept.point


def test_missing_log_segment(kept: points.Kept) -> None:
    kept.blob(points.SEGMENTS[1]).unlink()
    assert points.SEGMENTS[1] in kept.codes()["backup.missing_file"]


def test_gap_in_the_log(kept: points.Kept) -> None:
    kept.sign(replace(kept.point, servers=(points.without(kept, points.SEGMENTS[1]),)))
    assert points.SEGMENTS[1] in kept.codes()["backup.missing_log"]


def test_zeroed_page(kept: points.Kept) -> None:
    """The content is what counts: a blob of another content under the old name."""
    file = kept.file("base/5/16384")
    pages = b"".join(kept.store.read(file))
    zeroed = pages[: points.PAGE] + bytes(points.PAGE) + pages[2 * points.PAGE :]
    other = kept.store.put_bytes(zeroed, "x", pack=True)
    (kept.root / store.blob_name(other.blob)).replace(kept.blob("base/5/16384"))
    assert "base/5/16384" in kept.codes()["backup.damaged"]


def test_truncated_parquet(kept: points.Kept) -> None:
    blob = kept.blob("bank/users/data/a.parquet")
    blob.write_bytes(blob.read_bytes()[:4000])
    found = kept.codes()["backup.damaged"]
    assert "lake" in found and "users" in found and "cut short" in found


def test_swapped_tables(kept: points.Kept) -> None:
    users, accounts = (
        kept.blob(f"bank/{t}") for t in ("users/data/a.parquet", "accounts/data/b.parquet")
    )
    one, other = users.read_bytes(), accounts.read_bytes()
    users.write_bytes(other)
    accounts.write_bytes(one)
    assert "it has the content of" in kept.codes()["backup.damaged"]


def test_wrong_key(kept: points.Kept, tmp_path: Path) -> None:
    other = points.keep(tmp_path / "other")
    assert refusal(kept, other.recovery) == "backup.wrong_key"
    with pytest.raises(errors.Refused) as caught:
        project.unseal(b"".join(kept.store.read(kept.point.secrets)), other.recovery)
    assert caught.value.code == "backup.wrong_key"


def test_no_key_and_what_is_none(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("AGE-SECRET-KEY-1NOTONE\nsigned-by: nobody\n")
    for file in (tmp_path / "absent", tmp_path / "key"):
        with pytest.raises(errors.Refused) as caught:
            sealing.read(file)
        assert caught.value.code == "backup.no_key"


def test_half_a_manifest(kept: points.Kept) -> None:
    text = kept.manifest().read_bytes()
    kept.manifest().write_bytes(text[: len(text) // 2])
    assert refusal(kept) == "backup.manifest"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000, '{"text":' * 200_000, "", "{}", "null", "7" * 10_000,
        '{"text": "\\ud800", "key": "KEY", "signature": ""}',
        '{"text": "", "key": "\\ud800", "signature": ""}',
        '{"text": "", "key": "KEY", "signature": "", "extra": []}',
    ],
    ids=lambda text: text[:40],
)  # fmt: skip
def test_what_is_no_manifest(kept: points.Kept, text: str) -> None:
    kept.manifest().write_text(text.replace("KEY", kept.maker.fingerprint))
    assert refusal(kept) == "backup.manifest"


def test_a_stray_manifest_is_named_with_a_way_out(kept: points.Kept) -> None:
    """``latest`` is refused: it may have been the newest point. The good one can be named."""
    (kept.root / "points" / "zzz.json").write_text("{}")
    source = choosing.Source(kept.store, kept.recovery)
    with pytest.raises(errors.PromiseBroken) as caught:
        choosing.choose(source, "latest")
    assert "--to ID" in caught.value.hint and "points/zzz.json" in caught.value.hint
    assert choosing.choose(source, kept.point.id) == kept.point


def test_half_a_list(kept: points.Kept) -> None:
    listing = kept.point.lake
    assert listing is not None
    blob = kept.root / store.blob_name(listing.blob)
    blob.write_bytes(blob.read_bytes()[:-20])
    assert "lake" in kept.codes()["backup.damaged"]


def test_a_list_that_is_no_list(kept: points.Kept) -> None:
    kept.sign(replace(kept.point, lake=kept.store.put_bytes(b"[]", "lake", pack=True)))
    assert "backup.manifest" in kept.codes()


def test_a_list_that_is_nested_too_deeply(kept: points.Kept) -> None:
    deep = kept.store.put_bytes(b"[" * 200_000, "lake", pack=True)
    kept.sign(replace(kept.point, lake=deep))
    assert "backup.manifest" in kept.codes()


def test_future_clock(kept: points.Kept) -> None:
    kept.sign(replace(kept.point, at_ms=kept.point.at_ms + 86_400_000))
    assert refusal(kept) == "backup.future"


def test_missing_secret(kept: points.Kept) -> None:
    kept.sign(replace(kept.point, secrets=points.seal(kept, {"another": "value"})))
    assert "store-admin" in kept.codes()["backup.missing_secret"]


def test_edited_file(kept: points.Kept) -> None:
    edited = kept.store.put_bytes(b"tidewright: 0\nplatform: mine\n", "x", pack=True)
    (kept.root / store.blob_name(edited.blob)).replace(kept.blob("platform.yaml"))
    assert "platform.yaml" in kept.codes()["backup.damaged"]


def test_edited_manifest(kept: points.Kept) -> None:
    text = kept.manifest().read_text()
    kept.manifest().write_text(text.replace("0/4000060", "0/3000060"))
    assert refusal(kept) == "backup.signature"


def test_renamed_point(kept: points.Kept) -> None:
    kept.manifest().rename(kept.manifest().with_name("20271121T120000Z-0001.json"))
    assert refusal(kept) == "backup.signature"


def test_no_point_at_all_or_none_so_early(kept: points.Kept) -> None:
    assert refusal(kept, wanted="2020-01-01T00:00:00+00:00") == "backup.no_point"
    assert refusal(kept, wanted="yesterday") == "backup.no_point"
    kept.manifest().unlink()
    assert refusal(kept) == "backup.no_point"


def test_any_byte_of_any_file(kept: points.Kept) -> None:
    """The first, a middle and the last byte of every stored file, and one that is too much."""
    for blob in [f for f in (kept.root / "blobs").rglob("*") if f.is_file()]:
        content = blob.read_bytes()
        for at in {0, len(content) // 2, len(content) - 1}:
            blob.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
            assert kept.codes(), f"byte {at} of {blob.name}"
        blob.write_bytes(content + b"\0")
        assert kept.codes(), f"a byte too much in {blob.name}"
        blob.write_bytes(content)
    assert kept.codes() == {}


def bind(path: Path) -> None:
    """A socket; its name must be short, so it is made from within its folder."""
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as there:
            there.bind(path.name)
    finally:
        os.chdir(before)


NO_FILES: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a socket or a device": bind,
    "a link to nothing": lambda path: path.symlink_to("/nowhere/at/all"),
    "a link to itself": lambda path: path.symlink_to(path.name),
}


@pytest.mark.parametrize("what", NO_FILES)
def test_what_is_no_file_is_said_and_never_waited_for(kept: points.Kept, what: str) -> None:
    blob, spare = kept.blob("bank/users/data/a.parquet"), kept.root / "spare"
    blob.rename(spare)
    NO_FILES[what](blob)
    found = kept.codes()["backup.damaged"]
    assert "bank/users/data/a.parquet" in found and what in found
    blob.rmdir() if what == "a folder" else blob.unlink()
    spare.rename(blob)
    kept.manifest().unlink()
    NO_FILES[what](kept.manifest())
    for wanted in ("latest", kept.point.id):
        assert refusal(kept, wanted=wanted) == "backup.manifest"


def test_links_to_the_true_content_are_as_good_as_files(kept: points.Kept) -> None:
    for file in (kept.blob("bank/users/data/a.parquet"), kept.manifest()):
        moved = file.rename(kept.root / f"elsewhere-{file.name}")
        file.symlink_to(moved)
    assert kept.codes() == {}
    source = choosing.Source(kept.store, kept.recovery)
    assert choosing.choose(source, "latest") == kept.point


def test_a_link_to_another_file_is_another_content(kept: points.Kept) -> None:
    blob = kept.blob("bank/users/data/a.parquet")
    blob.unlink()
    blob.symlink_to("/etc/passwd")
    assert "bank/users/data/a.parquet" in kept.codes()["backup.damaged"]
