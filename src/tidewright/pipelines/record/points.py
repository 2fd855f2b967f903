"""The snapshot of a table that a checkpoint of Flink made, from the table's own metadata.

Flink writes its checkpoint's number into the summary of each snapshot; a snapshot of somebody else
(files merged, for instance) shows the same rows as the one before it. A table that got no rows in a
checkpoint has no snapshot of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pyarrow import fs

from tidewright.pipelines.lake import catalog

CHECKPOINT = "flink.max-committed-checkpoint-id"


class Gone(Exception):
    """The table does not know any more what a checkpoint made of it; the text says which."""


def at_checkpoint(
    store: fs.FileSystem, pointers: Mapping[str, str], number: int
) -> dict[str, catalog.TablePoint]:
    """Where each table stood when checkpoint ``number`` was committed. Raises Gone."""
    found = {}
    for name, location in pointers.items():
        with store.open_input_stream(location.partition("://")[2]) as stream:
            found[name] = point(name, location, json.loads(stream.read()), number)
    return found


def point(name: str, location: str, metadata: Mapping[str, Any], number: int) -> catalog.TablePoint:
    """The same for one table, whose newest metadata lies at ``location``."""
    history = _history(metadata)
    snapshot = _newest(history, number)
    if snapshot is None:
        if history and history[-1].get("parent-snapshot-id") is not None:
            raise Gone(f"{name} has forgotten checkpoint {number}")
        return catalog.TablePoint(None, location)
    if snapshot["snapshot-id"] == metadata["current-snapshot-id"]:
        return catalog.TablePoint(snapshot["snapshot-id"], location)
    # The file that was written with this snapshot bears its time.
    files = [
        log["metadata-file"]
        for log in metadata.get("metadata-log", ())
        if log["timestamp-ms"] == snapshot["timestamp-ms"]
    ]
    if not files:
        raise Gone(f"{name} has forgotten the metadata of checkpoint {number}")
    return catalog.TablePoint(snapshot["snapshot-id"], files[-1])


def _history(metadata: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """From the current snapshot back along its parents."""
    by_id = {s["snapshot-id"]: s for s in metadata.get("snapshots", ())}
    found, at = [], metadata.get("current-snapshot-id")
    while at in by_id:
        found.append(by_id[at])
        at = by_id[at].get("parent-snapshot-id")
    return found


def _newest(history: Sequence[Mapping[str, Any]], number: int) -> Mapping[str, Any] | None:
    """The newest that shows the rows of the checkpoint and of none after it."""
    found = None
    for snapshot in history:
        made_by = snapshot.get("summary", {}).get(CHECKPOINT)
        if made_by is None:
            found = found or snapshot
        elif int(made_by) <= number:
            return found or snapshot
        else:
            found = None
    return found
