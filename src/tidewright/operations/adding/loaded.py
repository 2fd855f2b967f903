"""Files and addresses: streams of a load whose connector goes along into the project.

Files of one kind share a load, so one process reads them all: ``files`` those of this machine, and
``web`` what is behind an address, less often.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidewright import errors
from tidewright.kit import quantity
from tidewright.operations.adding import change as changes
from tidewright.operations.adding import connector, inferred, place
from tidewright.spec import connectors, edited, load, steps, tree

SCRIPT = "connectors/files.py"
TO = {"file": "files", "web": "web"}
EVERY = {"file": "5s", "web": "1m"}
COMMENT = {
    "file": "Added by `tidewright add source`: each file is read again when it changed.",
    "web": "Added by `tidewright add source`: asked again and again, and read when it changed.",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """As ``source.SourceWish``."""

    source: str
    name: str | None = None
    to: str | None = None
    every: str | None = None


@dataclass(frozen=True, slots=True)
class There:
    """A load of ours that the file has already: where it stands, and what it reads."""

    path: tree.Path
    step: steps.Load

    @property
    def files(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.step.connector.config["files"]
        return found


def change(spec: load.Spec, asked: Asked) -> changes.Change:
    """What it takes. Raises Refused or SpecError."""
    name = asked.name or place.table(asked.source)
    kind = place.kind(asked.source)
    home = _home(spec, kind, asked)
    to = home.step.to if home else asked.to or TO[kind]
    if home and name in home.files:
        raise errors.Refused(
            "source.taken", f"the file has a table {to}.{name} already", spec.path.name,
            "Give this one another name with --name.",
        )  # fmt: skip
    _check_script(spec)
    entry, found, secret = _entry(spec.folder, asked.source, name)
    addition: edited.Addition
    if home:
        addition = edited.Entry(home.path, name, entry)
    else:
        addition = edited.Step(_step(name, entry, to, asked.every or EVERY[kind]), COMMENT[kind])
    return changes.Change(
        (addition,), (f"{to}.{name}",), found.rows, {SCRIPT: script()}, secret, ()
    )


def first(folder: Path, source: str) -> changes.Change:
    """The same for a file that has nothing yet."""
    name, kind = place.table(source), place.kind(source)
    entry, found, secret = _entry(folder, source, name)
    step = edited.Step(_step(name, entry, TO[kind], EVERY[kind]))
    return changes.Change(
        (step,), (f"{TO[kind]}.{name}",), found.rows, {SCRIPT: script()}, secret, ()
    )


def script() -> str:
    """The connector as it goes into a project."""
    return Path(str(connector.__file__)).read_text(encoding="utf-8")


def _step(name: str, entry: Mapping[str, Any], to: str, every: str) -> Mapping[str, Any]:
    reading = {"python": SCRIPT, "config": {"files": {name: entry}}}
    return {"load": {"connector": reading, "every": every, "to": to}}


def _home(spec: load.Spec, kind: place.Kind, asked: Asked) -> There | None:
    """The load that takes this one in. Raises SpecError where it runs at another pace."""
    for there in _ours(spec):
        same = asked.to or TO[kind]
        if there.step.to != same:
            continue
        if asked.every is not None and _seconds(asked.every) != there.step.every:
            where = spec.where(*there.path[:3], "cron" if there.step.cron else "every")
            when = f"cron {there.step.cron}"
            if there.step.every is not None:
                when = f"every {quantity.said(there.step.every)}"
            what = f"the files of {same} are read {when}"
            hint = "Change it there, or read this one into a place of its own with --to."
            raise errors.SpecError((errors.Finding("file.clash", what, where, hint),))
        return there
    return None


def _ours(spec: load.Spec) -> Iterator[There]:
    for n, step in enumerate(spec.document.flow):
        if isinstance(step, steps.LoadStep):
            of = step.load.connector
            mine = isinstance(of, connectors.PythonConnector) and of.python == SCRIPT
            if mine and isinstance(of.config.get("files"), dict):
                yield There(("flow", n, "load", "connector", "config", "files"), step.load)


def _seconds(every: str) -> float:
    try:
        return quantity.parse(every, quantity.DURATION)
    except quantity.NotAQuantity as reason:
        finding = errors.Finding(
            "file.wrong_unit", reason.what, errors.Where("--every"), reason.hint
        )
        raise errors.SpecError((finding,)) from None


def _check_script(spec: load.Spec) -> None:
    """A file of that name that no load of ours uses is somebody else's."""
    file = spec.folder / SCRIPT
    if file.exists() and not any(_ours(spec)) and file.read_text(encoding="utf-8") != script():
        raise errors.Refused(
            "source.taken", f"{SCRIPT} is there, and is no connector of `add source`",
            spec.path.name, "Give that file another name, then run the command again.",
        )  # fmt: skip


def _entry(
    folder: Path, source: str, name: str
) -> tuple[Mapping[str, Any], inferred.Inferred, tuple[str, str] | None]:
    """What the connector is told of this source, what it holds, and the secret that it needs."""
    if place.kind(source) == "file":
        file = place.local(source)
        form = place.form(source)
        found = inferred.infer(file, form, source)
        told = {} if place.is_plain(source) else {"format": form}
        return {"path": place.written(file, folder), **told, **found.entry}, found, None
    return _fetched(source, name)


def _fetched(
    url: str, name: str
) -> tuple[Mapping[str, Any], inferred.Inferred, tuple[str, str] | None]:
    reading = connector.Connector({"files": {name: {"path": url}}})
    try:
        got = reading.fetch(name, None)
    except (OSError, ValueError) as reason:
        raise errors.Refused(
            "source.not_there", str(reason), place.shown(url), "Correct the address."
        ) from None
    assert got is not None, "it was asked for without a condition"
    form = _form_of(got[0])
    found = inferred.infer(got[0], form, place.shown(url))
    told = {} if place.is_plain(url) else {"format": form}
    if not place.is_secret(url):
        return {"path": url, **told, **found.entry}, found, None
    secret = f"{name}_url"
    return {"path": {"secret": secret}, **told, **found.entry}, found, (secret, url)


def _form_of(file: Path) -> str:
    """What an address brings may be called anything: Parquet says so in its first bytes."""
    with file.open("rb") as opened:
        return "parquet" if opened.read(4) == b"PAR1" else "csv"
