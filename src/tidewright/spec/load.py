"""Text to a checked, typed file of one environment: parse, lay over, type, check.

Every finding of every environment asked for comes at once. Reading the file and looking whether
named folders exist is all the I/O there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tidewright import errors
from tidewright.spec import checks, document, fields, findings, overlay, partly, tree

FILE = "platform.yaml"
_PLATFORM_KEYS = tuple(document.Document.model_fields)
_OWN_KEYS = (*document.Environment.model_fields, *document.LATER_KEYS)


@dataclass(frozen=True, slots=True)
class Spec:
    """One environment of a file, typed and checked. ``tree`` finds places again."""

    path: Path
    environment: str
    document: document.Document
    target: str
    engines: str
    tree: tree.Fields

    @property
    def folder(self) -> Path:
        return self.path.parent

    def where(self, *path: str | int) -> errors.Where:
        """The place of something in the file, for a finding."""
        mark = tree.at(self.tree, path)
        return errors.Where(self.path.name, mark.line, mark.column)


def environments(path: Path) -> tuple[str, ...]:
    """The names under ``run``, in their order. Raises SpecError."""
    report = findings.Reporter(path.name)
    root = _root(path, report)
    names = tuple(_runs(root, report).entries) if root else ()
    _raise(report)
    return names


def load(path: Path, environment: str | None = None) -> Spec:
    """The file as ``environment`` sees it; absent: the first under ``run``. Raises SpecError."""
    return load_all(path, None if environment is None else (environment,), first=True)[0]


def with_bi(spec: Spec, name: str) -> Spec:
    """The same file, as if it asked for this BI tool."""
    engines = document.Engines.model_validate({"bi": name})
    return replace(spec, document=spec.document.model_copy(update={"engines": engines}))


def load_all(
    path: Path,
    names: Sequence[str] | None = None,
    *,
    first: bool = False,
    text: str | None = None,
) -> tuple[Spec, ...]:
    """The file as each environment sees it. Raises SpecError with every finding of all of them.

    ``text``: what the file shall hold, instead of what it holds.
    """
    report = findings.Reporter(path.name)
    root = _root(path, report, text)
    specs: list[Spec | None] = []
    if root is not None:
        runs = _runs(root, report)
        chosen = tuple(names or runs.entries)
        wanted = chosen[:1] if first else chosen
        specs += [_environment(path, name, root, runs, report) for name in wanted]
    _raise(report)
    return tuple(s for s in specs if s is not None)


def _root(path: Path, report: findings.Reporter, text: str | None = None) -> tree.Fields | None:
    text = _read(path, report) if text is None else text
    if text is None:
        return None
    parsed = tree.parse(text, path.name)
    report.found += parsed.findings
    if isinstance(parsed.root, tree.Fields):
        return parsed.root
    if not report.found:
        mark = parsed.root.mark if parsed.root else tree.Mark(1, 1)
        hint = "Begin with tidewright: 0, then platform: NAME."
        report.add("file.wrong_type", "the file is no map of keys", mark, hint)
    return None


def _read(path: Path, report: findings.Reporter) -> str | None:
    try:
        return path.read_bytes().decode()
    except (FileNotFoundError, NotADirectoryError):
        hint = "Name it with --file, or start with: tidewright init --example bank-cdc"
        report.add("file.missing", f"there is no file {path}", None, hint)
    except UnicodeDecodeError as reason:
        what = f"byte {reason.start + 1} is not UTF-8"
        report.add("file.yaml", what, None, "Save the file as UTF-8.")
    except OSError as reason:
        what = f"the file cannot be read: {reason.strerror}"
        report.add("file.unreadable", what, None, "Correct its permissions or its path.")
    return None


def _runs(root: tree.Fields, report: findings.Reporter) -> tree.Fields:
    """The environments; a file without any has one, on this machine."""
    entry = root.entries.get("run")
    if entry is None:
        leaf = tree.Entry(root.mark, tree.Leaf(root.mark, "embedded"))
        return tree.Fields(root.mark, {"laptop": leaf})
    if isinstance(entry.node, tree.Fields) and entry.node.entries:
        return entry.node
    hint = "Write run: {laptop: embedded}"
    report.add("file.wrong_type", "run needs a map of environments", entry.mark, hint)
    return tree.Fields(entry.mark, {})


def _environment(
    path: Path, name: str, root: tree.Fields, runs: tree.Fields, report: findings.Reporter
) -> Spec | None:
    entry = runs.entries.get(name)
    if entry is None:
        hint = fields.suggestion(name, runs.entries)
        report.add("file.unknown_environment", f"no environment is called {name}", None, hint)
        return None
    if not fields.WORD.fullmatch(name) or len(name) > fields.LONGEST_NAME:
        hint = "Use a lower-case letter, then letters, digits, - or _."
        report.add("file.wrong_value", f"{name!r} is no name", entry.mark, hint)
    node = overlay.expand(entry.node)
    if not isinstance(node, tree.Fields):
        hint = "Write embedded, or a map such as {target: local, engines: embedded}."
        report.add("file.wrong_value", f"{name} is no environment", entry.mark, hint)
        # What else is wrong in the file is said as well: as one on this machine would see it.
        node = tree.Fields(entry.mark, {})
    own, over = overlay.split(node, _OWN_KEYS, shared=("engines",))
    merged = overlay.merge(_without_run(root), over)
    return _typed(_Untyped(path, name, merged, own), report)


@dataclass(frozen=True, slots=True)
class _Untyped:
    """One environment before it is typed."""

    path: Path
    name: str
    root: tree.Node
    own: tree.Fields


def _typed(raw: _Untyped, report: findings.Reporter) -> Spec | None:
    before = len(report.found)
    root = raw.root
    assert isinstance(root, tree.Fields)
    where = findings.typed(document.Environment, raw.own, report, document.LATER_KEYS)
    typed = findings.typed(document.Document, root, report, document.LATER_KEYS)
    folder = raw.path.parent
    if typed is None:
        subject = partly.subject(root, folder)
    else:
        subject = checks.Subject(typed, folder, tuple(typed.sources))
    for problem in checks.problems(subject):
        mark = tree.at(root, problem.path)
        report.add(problem.code, problem.what, mark, problem.hint)
    if typed is None or where is None or len(report.found) > before:
        return None
    return Spec(raw.path, raw.name, typed, where.target, where.engines, root)


def _without_run(root: tree.Fields) -> tree.Fields:
    kept = {k: e for k, e in root.entries.items() if k != "run"}
    return tree.Fields(root.mark, kept)


def _raise(report: findings.Reporter) -> None:
    if not report.found:
        return
    found = sorted(report.found, key=lambda f: (f.where.line or 0, f.where.column or 0))
    if all(f.code == "file.not_yet" for f in found):
        raise errors.UnsupportedFile(tuple(found))
    raise errors.SpecError(tuple(found))
