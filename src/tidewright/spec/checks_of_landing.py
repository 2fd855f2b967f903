"""Rules about steps that land rows in one lake side by side: whose tables, under whose name.

A load's ``to`` is its namespace and the name of its flow, so nothing else may have it. Each yields
code, what, place in the file, what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tidewright.spec import document, steps, tree

Wrong = tuple[str, str, tree.Path, str]
# Names that the lake, the topics and DuckDB have for themselves.
OURS: Mapping[str, str] = {
    "main": "DuckDB's own schema", "information_schema": "DuckDB's own schema",
    "topics": "the flow of the topics", "ingest": "the flow of the assets",
}  # fmt: skip
RAW = "raw_data"  # where the topics' raw tables lie
OWN_FILE = "Give it a platform file of its own."


def wrong(whole: document.Document) -> Iterator[Wrong]:
    """Everything that cannot stand side by side."""
    yield from _captures(whole)
    yield from _names(whole)


def _captures(whole: document.Document) -> Iterator[Wrong]:
    """One process follows a log: the source's, or that of the topics."""
    appends = (steps.PullStep, steps.ReceiveStep)
    kinds = [_kind(s) for s in whole.flow if isinstance(s, appends)]
    for n, step in enumerate(whole.flow):
        if isinstance(step, steps.CaptureStep) and kinds:
            what = f"capture beside {kinds[0]} is not supported yet"
            yield "file.not_yet", what, ("flow", n), OWN_FILE


def _names(whole: document.Document) -> Iterator[Wrong]:
    """Each load has a name of its own."""
    taken = dict(_taken(whole))
    for n, step in enumerate(whole.flow):
        if isinstance(step, steps.LoadStep):
            name = step.load.to
            if name in taken:
                what = f"its tables would go to {name}, and that is {taken[name]}"
                hint = f"Write another name after to:, for example to: {name}_too"
                yield "file.clash", what, ("flow", n, "load", "to"), hint
            taken[name] = "another load's"


def _taken(whole: document.Document) -> Iterator[tuple[str, str]]:
    yield from OURS.items()
    yield from ((name, "a source's name") for name in whole.sources)
    for step in whole.flow:
        match step:
            case steps.CaptureStep(capture=body):
                yield body.to, "where raw tables are kept"
                yield from ((t.partition(".")[0], "a captured schema") for t in body.tables)
            case steps.PullStep() | steps.ReceiveStep():
                yield RAW, "where raw events are kept"
            case steps.SessionsStep(sessions=body):
                yield body.to, "where sessions are kept"
            case steps.ModelStep(model=body):
                yield from ((layer, "a layer of the models") for layer in body.layers)


def _kind(step: object) -> str:
    return "pull" if isinstance(step, steps.PullStep) else "receive"
