"""Blobs, trees and signed points in one place.

A blob's name is the SHA-256 of its bytes as stored, so ``sha256sum`` alone can check a backup. A
file's content has a checksum of its own, which must come out again after unpacking. A point is
written last and at once: before that there is no point, and ``prune`` sweeps what a crash left.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from tidewright import errors
from tidewright.model import backups, codec
from tidewright.pipelines.backup import places, streams
from tidewright.vault import sealing

BLOBS, POINTS = "blobs", "points"
_LARGEST_POINT = 64 << 20
_LOOK = "Take an older point, and look at the disk that holds the backups."


class Damaged(errors.PromiseBroken):
    """Something in the backup is not what was put there."""


@dataclass(slots=True)
class Counted:
    """What one run stored: bytes that were new in the place."""

    added: int = 0
    files: int = 0


class Store:
    """One environment's backups in one place."""

    def __init__(self, place: places.Place) -> None:
        self.place = place
        self.counted = Counted()
        self._known: dict[str, int] | None = None
        self._right: set[tuple[str, str]] = set()

    # -- writing ----------------------------------------------------------------------------------

    def put(self, source: BinaryIO, path: str, *, pack: bool, mtime_ns: int = 0) -> backups.File:
        """Store the rest of ``source`` as a blob, unless one with these bytes is there."""
        part = places.part(self.place)
        try:
            with places.reaching(self.place.title), part.open("wb") as out:
                sink = streams.Hashing(out)
                size, content = streams.pump(source, sink, pack=pack)
            name = sink.digest.hexdigest()
            if self.blobs().get(name) == sink.size:
                self.place.again(part, blob_name(name))
            else:
                self.place.adopt(part, blob_name(name))
                self.blobs()[name] = sink.size
                self.counted.added += sink.size
                self.counted.files += 1
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return backups.File(path, size, content, name, sink.size, pack, mtime_ns)

    def put_file(self, file: Path, path: str, *, pack: bool) -> backups.File:
        """A file on disk, with its time, so that the next run knows it again."""
        with file.open("rb") as source:
            return self.put(source, path, pack=pack, mtime_ns=file.stat().st_mtime_ns)

    def put_unless(
        self, old: backups.File | None, file: Path, path: str, *, pack: bool
    ) -> backups.File:
        """``old``, which the last point has under this path, when it is alike in size and time and
        its blob is there; else the file, stored.
        """
        status = file.stat()
        same = old is not None and (old.size, old.mtime_ns) == (status.st_size, status.st_mtime_ns)
        if old is not None and same and self.has(old):
            return old
        return self.put_file(file, path, pack=pack)

    def put_bytes(self, content: bytes, path: str, *, pack: bool) -> backups.File:
        return self.put(io.BytesIO(content), path, pack=pack)

    def put_tree(self, tree: backups.Tree, path: str) -> backups.File:
        """A list of files, itself a file."""
        return self.put_bytes(codec.dumps(tree).encode(), path, pack=True)

    def put_point(self, point: backups.Point, maker: sealing.Maker) -> None:
        """The last act of a run. Everything that the point names is durable before."""
        self.place.settle()
        text = codec.dumps(point)
        signed = backups.Signed(text, maker.fingerprint, maker.sign(text.encode()))
        self.place.write(point_name(point.id), codec.dumps(signed).encode())

    def blobs(self) -> dict[str, int]:
        """Every blob in the place and its size, as of the first call and what was put since."""
        if self._known is None:
            found = self.place.names(BLOBS)
            self._known = {name.rpartition("/")[2]: size for name, size in found}
        return self._known

    def has(self, file: backups.File) -> bool:
        """Whether the blob is there with its size; its bytes are for ``proof`` to read."""
        return self.blobs().get(file.blob) == file.stored

    # -- reading ----------------------------------------------------------------------------------

    def ids(self) -> tuple[str, ...]:
        """All points by name, oldest first, readable or not."""
        found = self.place.listed(POINTS)
        return tuple(sorted(n.removesuffix(".json") for n in found if n.endswith(".json")))

    def point(self, identity: str, checker: sealing.Checker) -> backups.Point:
        """A point whose signature was checked. Raises Damaged or Refused with the cause."""
        where = f"point {identity}"
        signed = self._signed(identity, where)
        if signed.key != checker.fingerprint:
            raise errors.Refused(
                "backup.wrong_key",
                f"this point was signed by the key {signed.key}, not by {checker.fingerprint}",
                where, "Name the recovery key that belongs to it: --key FILE.",
            )  # fmt: skip
        if not checker.genuine(signed.text.encode(), signed.signature):
            raise _forged("the point was changed after it was signed", where)
        try:
            point = codec.loads(backups.Point, signed.text)
        except (ValueError, TypeError):
            raise errors.Refused(
                "backup.manifest", "the point was made by another version of this program", where,
                "Use the version that made it.",
            ) from None  # fmt: skip
        if point.id != identity:
            raise _forged(f"this is the point {point.id} under another name", where)
        return point

    def _signed(self, identity: str, where: str) -> backups.Signed:
        try:
            with self.place.open(point_name(identity)) as source:
                content = source.read(_LARGEST_POINT)
            found = codec.loads(backups.Signed, content.decode())
            # JSON can say half a character, which no text may hold.
            (found.text + found.key + found.signature).encode()
            return found
        except FileNotFoundError:
            raise errors.Refused(
                "backup.no_point", "there is no such point", where,
                "See which there are: tidewright backup list",
            ) from None  # fmt: skip
        except places.NoFile as what:
            raise Damaged(
                "backup.manifest", f"the point's manifest is {what}, not a file", where,
                _another(identity),
            ) from None  # fmt: skip
        except (ValueError, TypeError):
            raise Damaged(
                "backup.manifest", "the point's manifest is cut short or is no manifest", where,
                _another(identity),
            ) from None  # fmt: skip

    def tree(self, file: backups.File) -> backups.Tree:
        """A list of files, its bytes checked."""
        content = b"".join(self.read(file))
        try:
            return codec.loads(backups.Tree, content.decode())
        except (ValueError, TypeError):
            what = f"{file.path}, a list of files, is no list"
            raise Damaged("backup.manifest", what, file.blob, "Take an older point.") from None

    def read(self, file: backups.File) -> Iterator[bytes]:
        """The content of a file in blocks. Raises Damaged as soon as a byte is not as it was.

        The last block comes only after both checksums agreed, so whoever got all has the truth.
        """
        content = hashlib.sha256()
        waiting = b""
        try:
            with self.place.open(blob_name(file.blob)) as source:
                reader = streams.Watching(source)
                for block in streams.blocks(reader, packed=file.packed):
                    content.update(block)
                    if waiting:
                        yield waiting
                    waiting = block
                reader.drain()
        except FileNotFoundError:
            raise Damaged(
                "backup.missing_file", f"the backup lacks {file.path}", f"blob {file.blob}",
                "Take an older point; this one cannot be brought back.",
            ) from None  # fmt: skip
        except places.NoFile as what:
            raise Damaged(
                "backup.damaged", f"{file.path} is {what} in the backup, not a file",
                f"blob {file.blob}", _LOOK,
            ) from None  # fmt: skip
        except (pa.ArrowException, OSError) as reason:
            # What cannot be unpacked is an OSError of Arrow's own, without a number.
            if isinstance(reason, OSError) and reason.errno is not None:
                raise places.failed(self.place.title, reason, reading=True) from None
            raise changed(file) from None
        if reader.digest.hexdigest() != file.blob or content.hexdigest() != file.sha256:
            raise changed(file, reader.digest.hexdigest(), reader.size)
        self._right.add((file.blob, file.sha256))
        yield waiting

    def check(self, file: backups.File) -> None:
        """Read a file for its checksums alone, unless that was done. Raises Damaged."""
        if (file.blob, file.sha256) not in self._right:
            for _ in self.read(file):
                pass

    def fetch(self, file: backups.File, target: Path) -> None:
        """Write a file's content to ``target``; its bytes are those that were put there."""
        with target.open("wb") as out:
            for block in self.read(file):
                out.write(block)


def changed(file: backups.File, found: str = "", size: int | None = None) -> Damaged:
    """The bytes of a blob are others."""
    short = size is not None and size < file.stored
    how = f"cut short, to {size:,} of {file.stored:,} bytes" if short else "changed"
    return Damaged(
        "backup.damaged",
        f"{file.path} was {how} in the backup (SHA-256 {found[:12] or 'unreadable'})",
        f"blob {file.blob}", _LOOK,
    )  # fmt: skip


def _forged(what: str, where: str) -> Damaged:
    return Damaged(
        "backup.signature", what, where,
        "Do not use it. Take an older point, and find out who changed it.",
    )  # fmt: skip


def _another(identity: str) -> str:
    """The way out where no run of ours left what is there."""
    return (
        "Name a good point (--to ID, see `tidewright backup list`). Or remove "
        f"{point_name(identity)} when it is not one of yours; an interrupted run leaves none."
    )


def blob_name(digest: str) -> str:
    return f"{BLOBS}/{digest[:2]}/{digest}"


def point_name(identity: str) -> str:
    return f"{POINTS}/{identity}.json"
