"""The layers of a project: raw tables feed the first one, and each feeds itself and the next.

A model that reaches past a layer would show what that layer was made to clean. Pure: what dbt
parsed in, findings out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tidewright import errors


def problems(manifest: Any, layers: Sequence[str]) -> Iterator[errors.Finding]:
    """A finding for each model that lies in no layer, or reads what it must not."""
    models = {i: n for i, n in manifest.nodes.items() if str(n.resource_type) == "model"}
    place = {identity: _layer(node, layers) for identity, node in models.items()}
    for identity, node in models.items():
        at = place[identity]
        if at is None:
            what = f"{node.name} lies in none of the layers {', '.join(layers)}"
            yield _finding(node, what, "Move it into the folder of its layer.")
            continue
        for read in node.depends_on.nodes:
            wrong = _wrong(read, at, place, layers)
            if wrong:
                yield _finding(node, f"{node.name} ({layers[at]}) reads {wrong}", _go(layers, at))


def _layer(node: Any, layers: Sequence[str]) -> int | None:
    """Which layer a model lies in: its first folder below the project's."""
    folders = str(node.original_file_path).split("/")[:-1]
    return next((n for n, layer in enumerate(layers) if layer in folders), None)


def _wrong(
    read: str, at: int, place: Mapping[str, int | None], layers: Sequence[str]
) -> str | None:
    """What is wrong with reading this, in words."""
    kind, _, name = read.partition(".")
    short = name.partition(".")[2]
    if kind == "source":
        return None if at == 0 else f"the raw table {short}"
    there = place.get(read)
    if there is None or at - 1 <= there <= at:
        return None
    return f"{short}, which is {layers[there]}"


def _go(layers: Sequence[str], at: int) -> str:
    before = layers[at - 1] if at else "raw tables"
    return f"Models of {layers[at]} read {before} and {layers[at]}; go by what lies between."


def _finding(node: Any, what: str, hint: str) -> errors.Finding:
    return errors.Finding("refresh.layer", what, errors.Where(str(node.original_file_path)), hint)
