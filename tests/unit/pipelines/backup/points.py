"""A recovery point without a platform: small, complete, and signed by keys of its own."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

from tidewright.model import backups
from tidewright.pipelines.backup import places, proof, store
from tidewright.vault import files as vault
from tidewright.vault import sealing

PAGE = 8192
SEGMENTS = tuple(f"0000000100000000000000{n:02X}" for n in (2, 3, 4))


@dataclass
class Kept:
    """A place with one point, and both halves of its keys."""

    root: Path
    maker: sealing.Maker
    recovery: sealing.Recovery
    point: backups.Point

    @property
    def store(self) -> store.Store:
        return store.Store(places.Folder(self.root))

    def blob(self, path: str) -> Path:
        """Where the file ``path`` of the point is stored."""
        return self.root / store.blob_name(self.file(path).blob)

    def file(self, path: str) -> backups.File:
        trees = (self.point.servers[0].base.tree, self.point.servers[0].wal, self.point.lake)
        listings = [t for t in (*trees, self.point.project) if t is not None]
        found = [f for t in listings for f in (t, *self.store.tree(t).files)]
        return next(f for f in (self.point.secrets, *found) if f.path == path)

    def manifest(self) -> Path:
        return self.root / store.point_name(self.point.id)

    def sign(self, point: backups.Point) -> None:
        """Put a point of the test's own there, rightly signed."""
        self.point = point
        self.store.put_point(point, self.maker)

    def codes(self) -> dict[str, str]:
        """What reading everything finds: code -> sentence."""
        found = proof.findings(self.store, self.point, self.recovery)
        return {f.code: f.what for f in found}


def keep(folder: Path) -> Kept:
    """Make the point below ``folder``."""
    secrets, key = folder / "secrets", folder / "recovery.key"
    vault.write(secrets, "store-admin", "not to be seen")
    maker, _ = sealing.maker(secrets, key, "bank/laptop")
    into = store.Store(places.Folder(folder / "backups"))
    point = _point(into, maker)
    into.put_point(point, maker)
    return Kept(folder / "backups", maker, sealing.read(key), point)


def seal(kept: Kept, secrets: dict[str, str]) -> backups.File:
    """Sealed secrets of the test's own."""
    sealed = kept.maker.seal(json.dumps(secrets).encode())
    return kept.store.put_bytes(sealed, "secrets.age", pack=False)


def without(kept: Kept, segment: str) -> backups.Server:
    """The server with a list of its log that lacks one segment."""
    server = kept.point.servers[0]
    log = tuple(f for f in kept.store.tree(server.wal).files if f.path != segment)
    return replace(server, wal=kept.store.put_tree(backups.Tree(log), "store/log"))


def tree(
    into: store.Store, name: str, files: dict[str, bytes], *, pack: bool = True
) -> backups.File:
    found = tuple(into.put_bytes(content, path, pack=pack) for path, content in files.items())
    return into.put_tree(backups.Tree(found), name)


def _point(into: store.Store, maker: sealing.Maker) -> backups.Point:
    pages = b"".join(bytes([n]) * PAGE for n in range(1, 5))
    base = tree(into, "store/base", {"PG_VERSION": b"18\n", "base/5/16384": pages}, pack=True)
    log = tree(into, "store/log", {s: s.encode() * 1000 for s in SEGMENTS}, pack=True)
    lake = {
        "bank/users/data/a.parquet": b"PAR1 users " + b"u" * 5000,
        "bank/accounts/data/b.parquet": b"PAR1 accounts " + b"a" * 4997,
    }
    server = backups.Server(
        "store", "7", backups.Base(base, 1, 1, "0/2000028", "0/2000100"), log, "0/4000060", False
    )
    sealed = into.put_bytes(
        maker.seal(b'{"store-admin": "not to be seen"}'), "secrets.age", pack=False
    )
    now = int(time.time() * 1000) - 60_000
    return backups.Point(
        id="20261121T120000Z-0001", sequence=1, previous=None, platform="bank",
        environment="laptop", platform_id="abcdef012345", tool="0", at_ms=now, done_ms=now,
        servers=(server,), flows=(), lake=tree(into, "lake", lake, pack=False), lake_root="/old",
        project=tree(into, "project", {"platform.yaml": b"tidewright: 0\n"}, pack=True),
        file="platform.yaml", secrets=sealed, secret_names=("store-admin",), fingerprints=(),
        bytes=0, added=0,
    )  # fmt: skip
