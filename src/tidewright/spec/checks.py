"""What a well-formed file can still get wrong: names that name nothing, folders that are not there.

One function per rule, each yielding (code, what, path in the file, hint). Rules about a live
database are in ``operations.check_source``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from tidewright.kit import files
from tidewright.spec import (
    checks_of_backup,
    checks_of_landing,
    connectors,
    document,
    fields,
    steps,
    tree,
)

S = TypeVar("S")

# Where each kind of step stands in a flow, read from top to bottom; 0 brings rows in.
RANK: Mapping[str, int] = {
    "capture": 0, "load": 0, "pull": 0, "receive": 0, "ingest": 0, "stream": 1, "sessions": 1,
    "rollup": 2, "merge": 2, "model": 3, "check": 4, "publish": 5,
}  # fmt: skip
_CREATED = re.compile(r"create\s+table\s+(?:if\s+not\s+exists\s+)?(?:\w+\.)?(\w+)", re.IGNORECASE)
AUDIT = 1  # a check of Pandera stands between what wrote the branch and its merge


@dataclass(frozen=True, slots=True)
class Problem:
    code: str
    what: str
    path: tree.Path
    hint: str


@dataclass(frozen=True, slots=True)
class Subject:
    """A typed file and the folder it lies in.

    ``named``: the sources that the file names, well typed or not; None when nobody can tell.
    """

    document: document.Document
    folder: Path
    named: tuple[str, ...] | None

    def steps(self, kind: type[S]) -> Iterator[tuple[int, S]]:
        return ((n, s) for n, s in enumerate(self.document.flow) if isinstance(s, kind))


@dataclass(frozen=True, slots=True)
class Unfit:
    """Stands for a step that is not well typed. ``kind`` is None where nobody can tell.

    With it the rules say what is wrong with the other steps, and suppose nothing of this one.
    """

    kind: str | None


Rule: TypeAlias = Callable[[Subject], Iterator[Problem]]


def problems(subject: Subject) -> Iterator[Problem]:
    """Every problem that any rule finds."""
    for rule in RULES:
        yield from rule(subject)


def unknown_source(subject: Subject) -> Iterator[Problem]:
    known = subject.named
    if known is None:
        return
    for n, step in subject.steps(steps.CaptureStep):
        name = step.capture.source
        if name not in known:
            hint = fields.suggestion(name, known) if known else "Add it under sources."
            what = f"no source is called {name}"
            yield Problem("file.unknown_source", what, ("flow", n, "capture", "from"), hint)


def repeated_table(subject: Subject) -> Iterator[Problem]:
    for n, step in subject.steps(steps.CaptureStep):
        for i, table in enumerate(step.capture.tables):
            if table in step.capture.tables[:i]:
                path = ("flow", n, "capture", "tables", i)
                yield Problem("file.repeated", f"{table} is listed twice", path, "Keep one.")


def clashing_namespace(subject: Subject) -> Iterator[Problem]:
    for n, step in subject.steps(steps.CaptureStep):
        schemas = {t.partition(".")[0] for t in step.capture.tables}
        # DuckDB and Spark take Order and order for one name.
        names = [t.partition(".")[2].casefold() for t in step.capture.tables]
        if step.capture.to in schemas:
            what = f"raw tables would go to {step.capture.to}, where current state is kept"
            hint = "Choose another name after to:, for example raw_data."
            yield Problem("file.clash", what, ("flow", n, "capture", "to"), hint)
        for i, name in enumerate(names):
            if name in names[:i] and step.capture.tables[i] not in step.capture.tables[:i]:
                own = step.capture.tables[i].partition(".")[2]
                what = f"two tables are called {own}, and would share {step.capture.to}.{own}"
                place = ("flow", n, "capture", "tables", i)
                yield Problem("file.clash", what, place, "Capture one of them; see docs/limits.md.")


def raw_columns_of_others(subject: Subject) -> Iterator[Problem]:
    for n, step in subject.steps(steps.CaptureStep):
        for table in step.capture.raw_columns:
            if table not in step.capture.tables:
                what = f"raw_columns names {table}, which is not captured"
                hint = fields.suggestion(table, step.capture.tables)
                path = ("flow", n, "capture", "raw_columns", table)
                yield Problem("file.unknown_table", what, path, hint)


def one_capture(subject: Subject) -> Iterator[Problem]:
    captures = [n for n, _ in subject.steps(steps.CaptureStep)]
    for n in captures[1:]:
        what = "a second capture step is not supported yet"
        yield Problem("file.not_yet", what, ("flow", n), "List all tables in the first one.")


def begins(subject: Subject) -> Iterator[Problem]:
    if not any(kind is None or RANK.get(kind) == 0 for kind in _kinds(subject)):
        what = "nothing in the flow brings rows in, so nothing would ever arrive"
        first = " or ".join(kind for kind, rank in RANK.items() if rank == 0)
        yield Problem("file.order", what, ("flow",), f"Begin with {first}.")


def one_ingest(subject: Subject) -> Iterator[Problem]:
    found = [n for n, _ in subject.steps(steps.IngestStep)]
    others = {"capture", "load", "pull"} & set(_kinds(subject))
    for n in found if others else found[1:]:
        what = f"ingest beside {' and '.join(sorted(others)) or 'another'} is not supported yet"
        yield Problem("file.not_yet", what, ("flow", n), "Give it a platform file of its own.")


def branch_is_merged(subject: Subject) -> Iterator[Problem]:
    """What is written on a branch is published by a merge, and only that can be."""
    kinds = set(_kinds(subject))
    merges = [n for n, _ in subject.steps(steps.MergeStep)]
    audits = [n for n, s in subject.steps(steps.CheckStep) if s.check.pandera is not None]
    if not kinds & {"ingest", None}:
        for n in (*merges, *audits):
            what = "this step works on a branch, and no ingest step writes one"
            yield Problem("file.order", what, ("flow", n), "Add - ingest: {assets: assets/} first.")
    for n, _ in subject.steps(steps.IngestStep):
        if not kinds & {"merge", None}:
            what = "the branches of this step would never reach main"
            yield Problem("file.order", what, ("flow", n), "Add - merge: {into: main}.")


def one_source(subject: Subject) -> Iterator[Problem]:
    for name in list(subject.document.sources)[1:]:
        what = "a second source is not supported yet"
        yield Problem("file.not_yet", what, ("sources", name), "Keep one source for each file.")


def order(subject: Subject) -> Iterator[Problem]:
    kinds = _kinds(subject)
    for n in range(1, len(kinds)):
        this, above = kinds[n], kinds[n - 1]
        if this is None or above is None:
            continue
        if _rank(subject, n, this) < _rank(subject, n - 1, above):
            what = f"{this} stands after {above}, whose result it must come before"
            yield Problem("file.order", what, ("flow", n), f"Order: {', '.join(RANK)}.")
        if this == "model" and "model" in kinds[:n]:
            what = "a second model step is not supported yet"
            yield Problem("file.not_yet", what, ("flow", n), "Keep all models in one dbt project.")


def landing(subject: Subject) -> Iterator[Problem]:
    for code, what, path, hint in checks_of_landing.wrong(subject.document):
        yield Problem(code, what, path, hint)


def repeated_stream(subject: Subject) -> Iterator[Problem]:
    for n, step in subject.steps(steps.LoadStep):
        for i, stream in enumerate(step.load.streams):
            if stream in step.load.streams[:i]:
                path = ("flow", n, "load", "streams", i)
                yield Problem("file.repeated", f"{stream} is listed twice", path, "Keep one.")


def layers(subject: Subject) -> Iterator[Problem]:
    """Each layer is a folder of the project that holds models."""
    for n, step in subject.steps(steps.ModelStep):
        for i, layer in enumerate(step.model.layers):
            path: tree.Path = ("flow", n, "model", "layers", i)
            if layer in step.model.layers[:i]:
                yield Problem("file.repeated", f"{layer} is listed twice", path, "Keep one.")
            elif not any((subject.folder / step.model.dbt / layer).glob("*.sql")):
                what = f"the layer {layer} has no models: {step.model.dbt}{layer}/ holds none"
                hint = "Put the models of each layer into a folder of its name."
                yield Problem("file.no_such_path", what, path, hint)


def one_pull(subject: Subject) -> Iterator[Problem]:
    """One of each."""
    pulls = [n for n, _ in subject.steps(steps.PullStep)]
    streams = [n for n, _ in subject.steps(steps.StreamStep)]
    for n in (*pulls[1:], *streams[1:]):
        what = f"a second {_kinds(subject)[n]} step is not supported yet"
        yield Problem("file.not_yet", what, ("flow", n), "Give it a platform file of its own.")


def unknown_topic(subject: Subject) -> Iterator[Problem]:
    """Sessions and rollups know the events by the schema that their endpoint checks them with."""
    received = tuple(s.receive.to for _, s in subject.steps(steps.ReceiveStep))
    known = (*(s.pull.to for _, s in subject.steps(steps.PullStep)), *received)
    asked = [(n, "stream", s.stream.source, known) for n, s in subject.steps(steps.StreamStep)]
    asked += [
        (n, "sessions", s.sessions.topic, received) for n, s in subject.steps(steps.SessionsStep)
    ]
    asked += [(n, "rollup", s.rollup.topic, received) for n, s in subject.steps(steps.RollupStep)]
    for n, kind, name, there in sorted(asked):
        if name not in there:
            what = f"nothing appends to a topic {name}"
            hint = fields.suggestion(name, there) if there else "Add the step that fills it."
            yield Problem("file.unknown_source", what, ("flow", n, kind, "from"), hint)


def stream_targets(subject: Subject) -> Iterator[Problem]:
    """Every accepted event has one place in one table that grows: what verify counts."""
    for n, step in subject.steps(steps.StreamStep):
        body = step.stream
        appends = [i for i, t in enumerate(body.to) if t.append is not None]
        if not appends:
            what = "no target keeps every accepted event"
            hint = "Add - {append: SCHEMA.TABLE}; verify compares it with the topic."
            yield Problem("file.missing_key", what, ("flow", n, "stream", "to"), hint)
        for i in appends[1:]:
            what = "a second table that grows would hold the same rows"
            yield Problem("file.repeated", what, ("flow", n, "stream", "to", i), "Keep one.")
        names = [body.rejects, *(t.keyed or t.append or "" for t in body.to)]
        for i in range(1, len(names)):
            if names[i] in names[:i]:
                path = ("flow", n, "stream", "to", i - 1)
                yield Problem("file.repeated", f"{names[i]} is named twice", path, "Rename one.")


def one_receive(subject: Subject) -> Iterator[Problem]:
    for n, step in subject.steps(steps.ReceiveStep):
        if step.receive.to == step.receive.rejects:
            what = f"good and rejected events would share the topic {step.receive.to}"
            path: tree.Path = ("flow", n, "receive", "rejects")
            yield Problem("file.clash", what, path, "Give rejected events a topic of their own.")
    for kind in (steps.ReceiveStep, steps.SessionsStep, steps.RollupStep):
        for n, _ in list(subject.steps(kind))[1:]:
            what = "a second step of this kind is not supported yet"
            yield Problem("file.not_yet", what, ("flow", n), "Keep one of each in a file.")


def idle_rate(subject: Subject) -> Iterator[Problem]:
    for n, step in subject.steps(steps.ReceiveStep):
        if step.receive.rate is not None and step.receive.workload is None:
            what = "a rate is given, and nothing that sends events at that rate"
            path: tree.Path = ("flow", n, "receive", "rate")
            yield Problem("file.missing_key", what, path, "Add workload: visits.py, or remove it.")


def needs_model(subject: Subject) -> Iterator[Problem]:
    if {"model", None} & set(_kinds(subject)):
        return
    checks = [n for n, s in subject.steps(steps.CheckStep) if s.check.dir is not None]
    for n in (*checks, *(n for n, _ in subject.steps(steps.PublishStep))):
        what = "this step works on models, and the flow has no model step"
        yield Problem("file.order", what, ("flow", n), "Add - model: {dbt: models/} before it.")


def places(subject: Subject) -> Iterator[Problem]:
    """Folders and files that the file names exist, and lie in its folder with links followed."""
    for n, model in subject.steps(steps.ModelStep):
        path: tree.Path = ("flow", n, "model", "dbt")
        yield from _folder(subject, model.model.dbt, path)
        yield from _dbt_project(subject, model.model.dbt, path)
    for n, check in subject.steps(steps.CheckStep):
        if check.check.dir is not None:
            yield from _folder(subject, check.check.dir, ("flow", n, "check", "dir"))
        if check.check.pandera is not None:
            yield from _file(subject, check.check.pandera, ("flow", n, "check", "pandera"))
    for n, ingest in subject.steps(steps.IngestStep):
        yield from _folder(subject, ingest.ingest.assets, ("flow", n, "ingest", "assets"))
        if ingest.ingest.workload is not None:
            place = ingest.ingest.workload
            yield from _file(subject, place, ("flow", n, "ingest", "workload"))
    for n, load in subject.steps(steps.LoadStep):
        connector, at = load.load.connector, ("flow", n, "load", "connector")
        if isinstance(connector, connectors.PythonConnector):
            yield from _file(subject, connector.python, (*at, "python"))
            if connector.workload is not None:
                yield from _file(subject, connector.workload, (*at, "workload"))
        elif isinstance(connector, connectors.DltConnector):
            yield from _file(subject, connector.dlt, (*at, "dlt"))
    for n, pull in subject.steps(steps.PullStep):
        yield from _file(subject, pull.pull.python, ("flow", n, "pull", "python"))
        if pull.pull.workload is not None:
            yield from _file(subject, pull.pull.workload, ("flow", n, "pull", "workload"))
    for n, stream in subject.steps(steps.StreamStep):
        yield from _file(subject, stream.stream.sql, ("flow", n, "stream", "sql"))
    for n, receive in subject.steps(steps.ReceiveStep):
        yield from _file(subject, receive.receive.schema_, ("flow", n, "receive", "schema"))
        if receive.receive.workload is not None:
            path = ("flow", n, "receive", "workload")
            yield from _file(subject, receive.receive.workload, path)
    for n, rollup in subject.steps(steps.RollupStep):
        yield from _file(subject, rollup.rollup.sql, ("flow", n, "rollup", "sql"))
    for name, source in subject.document.sources.items():
        if source.postgres.workload is not None:
            path = ("sources", name, "postgres", "workload")
            yield from _file(subject, source.postgres.workload, path)


def published_models(subject: Subject) -> Iterator[Problem]:
    found = _models(subject)
    for n, step in subject.steps(steps.PublishStep):
        for i, table in enumerate(step.publish.tables):
            if found and table not in found:
                what = f"no model is called {table}: {table}.sql is in no folder of the project"
                path = ("flow", n, "publish", "tables", i)
                yield Problem("file.no_model", what, path, fields.suggestion(table, found))


def backups(subject: Subject) -> Iterator[Problem]:
    for code, what, path, hint in checks_of_backup.wrong(subject.document):
        yield Problem(code, what, path, hint)


def charted_marts(subject: Subject) -> Iterator[Problem]:
    published = [t for _, step in subject.steps(steps.PublishStep) for t in step.publish.tables]
    published += [t for _, step in subject.steps(steps.RollupStep) for t in _rolled(subject, step)]
    names = [chart.name for chart in subject.document.charts]
    for n, chart in enumerate(subject.document.charts):
        if chart.mart not in published:
            what = f"{chart.mart} is no mart: no publish or rollup step makes it"
            hint = fields.suggestion(chart.mart, published) if published else "Publish it first."
            yield Problem("file.unknown_table", what, ("charts", n, "mart"), hint)
        if chart.name in names[:n]:
            what = f"two charts are called {chart.name}"
            yield Problem("file.repeated", what, ("charts", n, "name"), "Name one differently.")


RULES: tuple[Rule, ...] = (
    unknown_source, repeated_table, clashing_namespace, raw_columns_of_others, one_source,
    one_capture, landing, one_ingest, branch_is_merged, repeated_stream, layers, one_pull,
    one_receive, idle_rate, unknown_topic, stream_targets, begins, order, needs_model, places,
    published_models, backups, charted_marts,
)  # fmt: skip


def _kinds(subject: Subject) -> list[str | None]:
    """The kind of each step; None for one that cannot be told."""
    flow: Sequence[Any] = subject.document.flow
    return [s.kind if isinstance(s, Unfit) else next(iter(type(s).model_fields)) for s in flow]


def _rank(subject: Subject, n: int, kind: str) -> int:
    step: object = subject.document.flow[n]
    if isinstance(step, steps.CheckStep) and step.check.pandera is not None:
        return AUDIT
    return RANK[kind]


def _rolled(subject: Subject, step: steps.RollupStep) -> tuple[str, ...]:
    """The tables that ClickHouse's file creates, as far as names tell; rollup reads it whole."""
    file = subject.folder / step.rollup.sql
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    return tuple(_CREATED.findall(re.sub(r"--.*", "", text)))


def _models(subject: Subject) -> tuple[str, ...]:
    folders = [subject.folder / m.model.dbt for _, m in subject.steps(steps.ModelStep)]
    return tuple(sorted(p.stem for f in folders if f.is_dir() for p in f.rglob("*.sql")))


def _folder(subject: Subject, place: str, path: tree.Path) -> Iterator[Problem]:
    full = subject.folder / place
    if not full.is_dir():
        hint = "Create it, or correct the path; it is read from the folder of the file."
        yield Problem("file.no_such_path", f"the folder {place} does not exist", path, hint)
    elif not files.is_inside(full, subject.folder):
        yield _outside(place, path)


def _file(subject: Subject, place: str, path: tree.Path) -> Iterator[Problem]:
    full = subject.folder / place
    if not full.is_file():
        hint = "Create it, or correct the path; it is read from the folder of the file."
        yield Problem("file.no_such_path", f"the file {place} does not exist", path, hint)
    elif not files.is_inside(full, subject.folder):
        yield _outside(place, path)


def _dbt_project(subject: Subject, place: str, path: tree.Path) -> Iterator[Problem]:
    full = subject.folder / place
    if full.is_dir() and not (full / "dbt_project.yml").is_file():
        what = f"{place} is no dbt project: it has no dbt_project.yml"
        yield Problem("file.no_such_path", what, path, "Point to the folder that holds it.")


def _outside(place: str, path: tree.Path) -> Problem:
    what = f"{place} is a link that leads out of the folder of the file"
    return Problem("file.outside", what, path, "Copy what it points at into the folder.")
