"""What is well typed of a file that is not: each source and each step, tried alone.

So that one look shows wrong types together with what else is wrong. What does not fit was said
when the whole was typed; here it is silent, and ``checks`` suppose nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tidewright.spec import checks, document, steps, tree

_SILENT = {"unknown": lambda *_: None}


def subject(root: tree.Fields, folder: Path) -> checks.Subject:
    """The parts of ``root`` that rules may look at."""
    sources, flow = (root.entries.get(key) for key in ("sources", "flow"))
    named: Mapping[str, tree.Entry] | None = None
    if sources is not None and isinstance(sources.node, tree.Fields):
        named = sources.node.entries
    fitting = {n: _fitting(steps.Source, e.node) for n, e in (named or {}).items()}
    made = document.Document.model_construct(  # type: ignore[call-arg]
        sources={name: source for name, source in fitting.items() if source is not None},
        flow=_flow(flow.node if flow else None),
    )
    return checks.Subject(made, folder, None if named is None else tuple(named))


def _flow(node: tree.Node | None) -> list[Any]:
    if not isinstance(node, tree.Items) or not node.items:
        return [checks.Unfit(None)]
    return [_fitting(steps.Step, item) or checks.Unfit(_kind(item)) for item in node.items]


def _kind(node: tree.Node) -> str | None:
    """The kind that a step says it is of, when it is one that has rules."""
    if not isinstance(node, tree.Fields) or len(node.entries) != 1:
        return None
    (kind,) = node.entries
    return kind if kind in checks.RANK else None


def _fitting(kind: Any, node: tree.Node) -> Any:
    try:
        return TypeAdapter(kind).validate_python(tree.plain(node), context=_SILENT)
    except ValidationError:
        return None
