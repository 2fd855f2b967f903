"""The new folder: marked as unfinished, with a platform id of its own, its file and its secrets.

Nothing that is there already is ever written over. An interrupted restore leaves its mark; the next
one into the same folder removes what the first one made, and only that.
"""

from __future__ import annotations

import contextlib
import re
import secrets as random
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from tidewright import errors
from tidewright.model import backups, codec, flow
from tidewright.model import platform as nouns
from tidewright.operations import project, state, unfinished, up
from tidewright.operations.restoring import points
from tidewright.pipelines.backup import project as kept
from tidewright.targets.local import driver, layout, lower, render
from tidewright.vault import files as vault

_PLATFORM = re.compile(r"^(platform:\s*)[^\s#]+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ground:
    """A folder that a point is brought back into."""

    environment: state.Environment
    rendered: render.Rendered

    @property
    def place(self) -> layout.Layout:
        return self.environment.place


def begin(into: Path, point: backups.Point) -> None:
    """Take the folder. Raises Refused for one that holds anything but an unfinished restore."""
    with layout.refusing(into):
        if unfinished.is_marked(into):
            _clear(into)
        elif into.exists() and (not into.is_dir() or any(into.iterdir())):
            raise errors.Refused(
                "backup.into", "a restore never writes over anything, and this is not empty",
                str(into), "Name a new folder: --into DIR. The old platform stays as it is.",
            )  # fmt: skip
        unfinished.mark(into, point.id)


def finish(into: Path) -> None:
    """Everything was proved: the folder is a platform like any other."""
    unfinished.clear(into)


def discard(into: Path, *, keep: bool) -> None:
    """Remove all that a refused restore made. ``keep``: the folder itself was there before.

    The mark goes last. Where something cannot be removed it stays, and the next restore goes on.
    """
    with contextlib.suppress(OSError):
        _clear(into)
        folder = into / layout.STATE
        for entry in folder.iterdir():
            if entry.name != unfinished.MARK:
                entry.unlink()
        unfinished.clear(into)
        folder.rmdir()
        if not keep:
            into.rmdir()


def prepare(source: points.Source, point: backups.Point, into: Path, talk: up.Talk) -> Ground:
    """The project, the secrets, and every file that the platform's processes are told by."""
    _fetch(source, point.project, into)
    if any(f.server is None and f.kind == "postgres" for f in point.flows):
        _rename(into / point.file, point, talk)
    secrets = _secrets(source, point)
    place = layout.create(into, point.environment)
    for name, value in secrets.items():
        vault.write(place.secrets, name, value)
    found = project.load(into / point.file, point.environment)
    _check_named(found, secrets)
    platform = _named_as_before(found.platform, point)
    rendered = up.rendered(platform, place, talk)
    for note in lower.notes(platform, place):
        talk.say(note)
    driver.write(place, rendered)
    state.write_applied(place, platform)
    return Ground(state.Environment(point.environment, place, platform), rendered)


def fetch_played(source: points.Source, point: backups.Point, ground: Ground) -> None:
    """What plays the outside world goes on from where it was."""
    if point.played is not None:
        _fetch(source, point.played, ground.place.root)


def _named_as_before(platform: nouns.Platform, point: backups.Point) -> nouns.Platform:
    """A restored source brings its publication along, under the name that it had."""
    before = {f.name: f for f in point.flows if f.server is not None and f.slot}

    def keep(value: object) -> object:
        old = before.get(value.name) if isinstance(value, flow.PostgresSource) else None
        if not isinstance(value, flow.PostgresSource) or old is None:
            return value
        return replace(value, slot=old.slot, publication=old.publication)

    return codec.transform(platform, keep) if before else platform


def _fetch(source: points.Source, listing: backups.File, into: Path) -> None:
    for file in source.store.tree(listing).files:
        target = inside(into, file.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        source.store.fetch(file, target)


def _rename(file: Path, point: backups.Point, talk: up.Talk) -> None:
    """Another name, so that its slot at a source of the user's own is not the old platform's."""
    name = f"{point.platform}-{random.token_hex(2)}"
    text, count = _PLATFORM.subn(rf"\g<1>{name}", file.read_text(encoding="utf-8"), count=1)
    if count != 1:
        raise errors.Refused(
            "backup.manifest", "the platform's name was not found in its file", str(file),
            "Use the version of this program that made the point.",
        )  # fmt: skip
    file.write_text(text, encoding="utf-8")
    talk.say(f"The restored platform is called {name}: its slot at your source is one of its own.")


def inside(folder: Path, path: str) -> Path:
    """A path of a list, below ``folder`` and nowhere else."""
    if path.startswith("/") or ".." in path.split("/"):
        raise errors.Refused(
            "backup.manifest", f"the path {path!r} leads out of the folder", str(folder),
            "Do not use this backup: somebody changed it.",
        )  # fmt: skip
    return folder / path


def _secrets(source: points.Source, point: backups.Point) -> dict[str, str]:
    found = kept.unseal(b"".join(source.store.read(point.secrets)), source.key)
    lost = sorted(set(point.secret_names) - found.keys())
    if lost:
        raise _missing(lost)
    return found


def _check_named(found: project.Project, secrets: dict[str, str]) -> None:
    """A secret that the platform names and the backup lacks would be made up, and fit nothing."""
    lost = sorted(render.secrets(found.platform) - secrets.keys())
    if lost:
        raise _missing(lost)


def _missing(names: list[str]) -> errors.PromiseBroken:
    return errors.PromiseBroken(
        "backup.missing_secret", f"the backup lacks the secret {', '.join(names)}",
        "secrets.age", "Take an older point; without the secret its server lets nobody in.",
    )  # fmt: skip


def _clear(into: Path) -> None:
    """Remove what an interrupted restore made: its state, and then the folder's content."""
    for name in layout.environments(into):
        place = layout.locate(into, name)
        if place is not None:
            driver.reap(place)
            layout.remove(place)
    for entry in into.iterdir():
        if entry.name == layout.STATE:
            continue
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    for entry in (into / layout.STATE).iterdir():
        if entry.name not in (unfinished.MARK, "id"):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
