"""``add source``: the whole act. What comes out is checked before a byte is written.

Order: read the source, edit the text, write the connector, check, keep the secret, write the file.
"""

from __future__ import annotations

import contextlib
import difflib
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib import parse

from tidewright import errors
from tidewright.assemble import build
from tidewright.kit import files
from tidewright.operations import init, init_from, project, state
from tidewright.operations.adding import change, database, loaded, place
from tidewright.spec import edited, load, written
from tidewright.targets.local import layout
from tidewright.vault import files as vault


@dataclass(frozen=True, slots=True)
class SourceWish:
    """``name``: the table, or the source's name. ``to``: the namespace. ``every``: as written."""

    source: str
    name: str | None = None
    to: str | None = None
    every: str | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """What was done. ``tables``: where rows will be; ``diff``: of the platform file."""

    file: Path
    environment: str
    tables: tuple[str, ...]
    rows: int | None
    diff: str
    written: tuple[str, ...]
    secret: str | None
    notes: tuple[str, ...]


def is_whole(word: str) -> bool:
    """Whether a source needs no password any more. Raises Refused for what nothing reads."""
    kind = place.kind(word)
    if kind == "postgres":
        return init_from.has_password(word)
    parts = parse.urlsplit(word)
    return kind == "file" or parts.username is None or parts.password is not None


def add_source(file: Path, wanted: SourceWish, environment: str | None = None) -> Added:
    """Put a source into the platform file. Raises; then nothing was written."""
    path = project.find(file)
    before = load.load_all(path)  # a file that is wrong already is shown as it is
    chosen = state.choose(path.parent, environment, load.environments(path))
    if chosen not in {spec.environment for spec in before}:
        load.load(path, chosen)
    text = path.read_bytes().decode()
    made = _change(path, before[0], wanted)
    after = _edited(text, made, path)
    with _connector(path.parent, made) as mine:
        for spec in load.load_all(path, text=after):
            build.build(spec)
        _keep(path, chosen, made)
        with layout.refusing(path):
            there = path.resolve()
            files.replace(there, after, stat.S_IMODE(there.stat().st_mode))
    return Added(
        path,
        chosen,
        made.tables,
        made.rows,
        _diff(text, after, path.name),
        (path.name, *(str(file.relative_to(path.parent)) for file in mine)),
        made.secret[0] if made.secret else None,
        made.notes,
    )


def init_from_source(
    source: str, folder: Path | None = None, platform: str | None = None
) -> init.Made:
    """A platform file with this source alone: a database's own, or a load of a file or address."""
    if place.kind(source) == "postgres":
        return init_from.init_from_database(source, folder, platform)
    if platform is not None:
        init.refuse_no_name(platform)
    name = platform or place.table(source)
    target = Path(name) if folder is None else folder
    init.refuse_existing(target, [init.FILE, loaded.SCRIPT])
    made = loaded.first(target.absolute(), source)
    with layout.refusing(target):
        target.mkdir(parents=True, exist_ok=True)
        for file, content in made.files.items():
            (target / file).parent.mkdir(exist_ok=True)
            files.replace(target / file, content)
        files.replace(target / init.FILE, _fresh(name, place.shown(source), made))
    _keep((target / init.FILE).absolute(), init_from.ENVIRONMENT, made)
    layout.make_id(target)
    return init.Made(target, (init.FILE, *made.files))


def _fresh(name: str, shown: str, made: change.Change) -> str:
    """The text of a file that has nothing but this one load."""
    steps = [a.body for a in made.additions if isinstance(a, edited.Step)]
    lines = (
        f"# Written by `tidewright init --from {shown}`. Start it with: tidewright up",
        "tidewright: 0",
        f"platform: {name}",
        "",
        "flow:",
        *(line for step in steps for line in written.item(step, 2)),
        "",
        "run:",
        f"  {init_from.ENVIRONMENT}: embedded",
    )
    return "\n".join(lines) + "\n"


def _change(path: Path, spec: load.Spec, wanted: SourceWish) -> change.Change:
    for option, name in (("--name", wanted.name), ("--to", wanted.to)):
        if name is not None:
            place.check_name(option, name)
    kind = place.kind(wanted.source)
    if kind == "postgres":
        if wanted.to or wanted.every:
            raise errors.SpecError((
                errors.Finding(
                    "file.wrong_value", "a database is captured as it changes, under its own names",
                    errors.Where("--every" if wanted.every else "--to"), "Leave that out.",
                ),
            ))  # fmt: skip
        return database.change(spec, wanted.source, wanted.name)
    asked = loaded.Asked(wanted.source, wanted.name, wanted.to, wanted.every)
    return loaded.change(spec, asked)


def _edited(text: str, made: change.Change, path: Path) -> str:
    try:
        return edited.text(text, made.additions)
    except edited.NoPlace as reason:
        lines = "\n".join(f"      {line}" for line in reason.lines)
        raise errors.Refused(
            "file.no_place", "no place was found where this surely belongs", path.name,
            f"Put it in yourself, then run `tidewright check`:\n{lines}",
        ) from None  # fmt: skip


@contextlib.contextmanager
def _connector(folder: Path, made: change.Change) -> Iterator[list[Path]]:
    """The files that go along; they are removed again when anything goes wrong inside."""
    mine: list[Path] = []
    try:
        for name, content in made.files.items():
            file = folder / name
            if not file.exists():
                with layout.refusing(folder):
                    file.parent.mkdir(exist_ok=True)
                    files.replace(file, content)
                mine.append(file)
        yield mine
    except BaseException:
        for file in mine:
            file.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # not empty: it was there before
                file.parent.rmdir()
        raise


def _keep(path: Path, environment: str, made: change.Change) -> None:
    if made.secret is not None:
        name, value = made.secret
        with layout.refusing(path):
            vault.write(layout.create(path.parent, environment).secrets, name, value)


def _diff(before: str, after: str, name: str) -> str:
    told = difflib.unified_diff(
        before.splitlines(), after.splitlines(), name, name, lineterm="", n=1
    )
    return "\n".join(told)
