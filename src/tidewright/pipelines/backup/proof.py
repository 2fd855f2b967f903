"""Every byte of a point, read again: is it what was put there, and is it all there?

Yields every finding, not the first. What only a restore can tell (does it replay, is it exact) is
``drill``'s work.
"""

from __future__ import annotations

from collections.abc import Iterator

from tidewright import errors
from tidewright.model import backups
from tidewright.pipelines.backup import project, reach, store, wal
from tidewright.vault import sealing


def findings(
    into: store.Store, point: backups.Point, key: sealing.Recovery | None
) -> Iterator[errors.Finding]:
    """What is wrong with a point whose signature is right. Without a key the secrets stay shut."""
    seen: dict[str, str] = {}
    known = _known(into, point)
    for part, file in _files(into, point):
        if isinstance(file, errors.Finding):
            yield file
        elif file.blob not in seen:
            seen[file.blob] = part
            found = _read(into, file)
            if found is not None:
                yield _explained(found, part, file, known)
    for server in point.servers:
        yield from _log(into, server)
    if key is not None:
        yield from _secrets(into, point, key)


def _files(
    into: store.Store, point: backups.Point
) -> Iterator[tuple[str, backups.File | errors.Finding]]:
    """Every file, and a finding for each list that cannot be read."""
    yield "secrets", point.secrets
    for part, listing in reach.trees(point):
        try:
            found = into.tree(listing).files
        except store.Damaged as reason:
            yield part, reason.finding
            continue
        yield part, listing
        yield from ((part, file) for file in found)


def _read(into: store.Store, file: backups.File) -> errors.Finding | None:
    try:
        for _ in into.read(file):
            pass
    except store.Damaged as reason:
        return reason.finding
    return None


def _known(into: store.Store, point: backups.Point) -> dict[str, str]:
    """Blob -> the path that it is the content of, as far as the lists can be read."""
    return {f.blob: f.path for _, f in _files(into, point) if isinstance(f, backups.File)}


def _explained(
    found: errors.Finding, part: str, file: backups.File, known: dict[str, str]
) -> errors.Finding:
    """The part that the file belongs to; and whose content it has, when it was swapped."""
    what = f"{part}: {found.what}"
    other = next(
        (p for b, p in known.items() if b != file.blob and f"{b[:12]})" in found.what), None
    )
    if other is not None:
        what += f"; it has the content of {other}"
    return errors.Finding(found.code, what, found.where, found.hint)


def _log(into: store.Store, server: backups.Server) -> Iterator[errors.Finding]:
    try:
        log = [f.path for f in into.tree(server.wal).files]
    except store.Damaged:
        return  # said already
    gap = wal.missing(log, server.base.timeline, server.base.start, server.target)
    if gap:
        yield errors.Finding(
            "backup.missing_log", f"the log of {server.name} has a gap: {gap[0]} is not there",
            errors.Where(f"server {server.name}"), "Take a point before the gap.",
        )  # fmt: skip


def _secrets(
    into: store.Store, point: backups.Point, key: sealing.Recovery
) -> Iterator[errors.Finding]:
    try:
        found = project.unseal(b"".join(into.read(point.secrets)), key)
    except store.Damaged:
        return  # said already
    except errors.Refused as reason:
        yield reason.finding
        return
    lost = sorted(set(point.secret_names) - found.keys())
    if lost:
        yield errors.Finding(
            "backup.missing_secret", f"the secret {', '.join(lost)} is not there",
            errors.Where("secrets.age"), "Take an older point.",
        )  # fmt: skip
