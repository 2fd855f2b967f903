"""The form of the captured tables as they were deployed: another is not deployed over it.

The state of Flink's job belongs to its operators, and those to the tables and their columns: a job
of another form cannot go on from the checkpoints of the one before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from tidewright import errors
from tidewright.kit import files
from tidewright.pipelines.deploy import script


def refuse_another(file: Path, found: Sequence[script.Table], raw_namespace: str) -> None:
    """Raises Refused for tables of another form than those that were deployed."""
    try:
        before = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    now = _forms(found, raw_namespace)
    changed = sorted(t for t in before.keys() | now.keys() if before.get(t) != now.get(t))
    if changed:
        raise errors.Refused(
            "source.tables_changed",
            f"{', '.join(changed)} is not what was deployed: tables and columns cannot change yet",
            "the job in Flink",
            "Take the change back; or begin anew with `tidewright destroy` and `tidewright up`: "
            "the first copy then has everything.",
        )


def remember(file: Path, found: Sequence[script.Table], raw_namespace: str) -> None:
    """These are deployed from now on."""
    files.private_folder(file.parent)
    files.replace_private(file, json.dumps(_forms(found, raw_namespace), sort_keys=True) + "\n")


def _forms(found: Sequence[script.Table], raw_namespace: str) -> dict[str, object]:
    """Each table with its columns, key and raw columns, and the job's SQL without any address."""
    place = script.Place("", {}, "", "", raw_namespace)
    job = hashlib.sha256(script.compiled(found, place).encode()).hexdigest()
    tables = {
        t.name: [[f"{c.name} {c.type_name}" for c in t.columns], [*t.key], [*t.raw]] for t in found
    }
    return {**tables, "the job's SQL": job}
