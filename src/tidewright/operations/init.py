"""``init``: a folder with a platform file, copied from an example."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tidewright import errors
from tidewright.kit import files
from tidewright.spec import fields
from tidewright.targets.local import layout

FILE = "platform.yaml"
_LEAVE = shutil.ignore_patterns(".*", "__pycache__", "target", "logs", "dbt_packages")


@dataclass(frozen=True, slots=True)
class Made:
    """What was written, and where."""

    folder: Path
    files: tuple[str, ...]


def examples() -> tuple[str, ...]:
    """The names of the packaged examples."""
    folder = _examples()
    return tuple(sorted(p.parent.name for p in folder.glob(f"*/{FILE}")))


def chosen(names: Sequence[str], where: str) -> tuple[str, ...]:
    """These examples, or all when none is named. Raises SpecError for one that is not there."""
    known = examples()
    for name in names:
        if name not in known:
            finding = errors.Finding(
                "cli.no_such_example", f"no example is called {name}", errors.Where(where),
                f"Known here: {', '.join(known)}.",
            )  # fmt: skip
            raise errors.SpecError((finding,))
    return tuple(names) or known


def init_from_example(name: str, folder: Path | None = None, platform: str | None = None) -> Made:
    """Copy an example to ``folder`` (absent: a new folder of its name here).

    ``platform``: what the platform is called instead; also the name of an absent folder.
    """
    if platform is not None:
        refuse_no_name(platform)
    chosen((name,), "--example")
    target = Path(platform or name) if folder is None else folder
    source = _examples() / name
    names = sorted(p.name for p in source.iterdir() if not p.name.startswith("."))
    refuse_existing(target, names)
    with layout.refusing(target):
        _copy(source, target)
    if platform is not None:
        _call(target / FILE, platform)
    layout.make_id(target)
    written = (p for p in target.rglob("*") if p.is_file())
    mine = (p.relative_to(target) for p in written)
    return Made(target, tuple(sorted(str(p) for p in mine if not str(p).startswith("."))))


def _copy(source: Path, target: Path) -> None:
    """Contents alone: what is installed may be read-only, and what is copied shall be changed."""
    target.mkdir(parents=True, exist_ok=True)
    leave = _LEAVE(str(source), [p.name for p in source.iterdir()])
    for path in sorted(p for p in source.iterdir() if p.name not in leave):
        if path.is_dir():
            _copy(path, target / path.name)
        else:
            shutil.copyfile(path, target / path.name)


def refuse_no_name(word: str) -> None:
    """Raises SpecError for what cannot be a platform's name."""
    if not fields.WORD.fullmatch(word) or len(word) > fields.LONGEST_NAME:
        what, where = f"{word!r} is no name for a platform", errors.Where("--name")
        hint = "Use a lower-case letter, then letters, digits, - or _."
        raise errors.SpecError((errors.Finding("file.wrong_value", what, where, hint),))


def _call(file: Path, platform: str) -> None:
    """Give the platform another name; the rest of the file stays as it is, comments too."""
    with layout.refusing(file):
        text = file.read_text(encoding="utf-8")
        named = re.sub(
            r"^platform: .*$", f"platform: {platform}", text, count=1, flags=re.MULTILINE
        )
        files.replace(file, named)


def refuse_existing(folder: Path, names: list[str]) -> None:
    """Never write over what somebody has there."""
    there = [n for n in names if (folder / n).exists()]
    if there:
        raise errors.Refused(
            "cli.exists",
            f"{', '.join(there)} exists already; nothing was written",
            str(folder),
            "Name another folder, or move it away.",
        )


def _examples() -> Path:
    """Packaged beside our code; in a checkout they lie at its root."""
    package = Path(__file__).resolve().parent.parent
    packaged = package / "_examples"
    return packaged if packaged.is_dir() else package.parent.parent / "examples"
