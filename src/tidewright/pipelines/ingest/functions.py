"""The user's asset files: run as they are, their marked functions found, put in order, called.

Whatever a file or a function raises becomes one message that names file and line.
"""

from __future__ import annotations

import graphlib
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidewright import assets, errors

GIVEN = ("after", "landing")
HINT = "Correct the file; the next run loads it again."


@dataclass(frozen=True, slots=True)
class Found:
    """One marked function. ``wants``: its parameters' names."""

    mark: assets.Asset
    function: Callable[..., Any]
    file: Path
    line: int
    wants: tuple[str, ...]

    @property
    def where(self) -> errors.Where:
        return errors.Where(self.file.name, self.line)

    @property
    def name(self) -> str:
        return self.function.__name__

    def dep(self, parameter: str) -> str:
        """The table whose rows a parameter stands for."""
        return next(d for d in self.mark.deps if d.rpartition(".")[2] == parameter)


def load(folder: Path) -> tuple[Found, ...]:
    """Every marked function below ``folder``, each after those whose tables it reads.

    Raises StepFailed with file and line for what is wrong with the user's code.
    """
    sys.path.insert(0, str(folder))
    found: list[Found] = []
    for file in sorted(folder.glob("*.py")):
        found += _marked(file, run(file, folder))
    if not found:
        what = "no function is marked with @asset"
        hint = "Write: from tidewright.assets import asset, and @asset(table=...) above a function."
        raise errors.StepFailed("ingest.bad_asset", what, f"{folder.name}/", hint)
    _check(found)
    return _ordered(found)


def run(file: Path, folder: Path) -> dict[str, Any]:
    """The names that a file of the user defines."""
    names: dict[str, Any] = {"__name__": file.stem, "__file__": str(file)}
    try:
        exec(compile(file.read_text(), str(file), "exec"), names)  # noqa: S102  the user's own code
    except SyntaxError as reason:
        raise failure(file.parent, reason, errors.Where(file.name, reason.lineno)) from None
    except OSError as reason:
        what = f"it cannot be read ({reason.strerror})"
        raise errors.StepFailed("ingest.bad_asset", what, file.name, HINT) from None
    except Exception as reason:  # the user's module may raise anything at all
        raise failure(folder, reason, errors.Where(file.name)) from None
    return names


def call(found: Found, given: Mapping[str, Any], folder: Path) -> Any:
    """What the function returns for the parameters that it wants."""
    try:
        return found.function(**{name: given[name] for name in found.wants})
    except Exception as reason:  # the user's function may raise anything at all
        raise failure(folder, reason, found.where) from None


def failure(folder: Path, reason: Exception, where: errors.Where) -> errors.StepFailed:
    """What the user's code raised, at the deepest line that is below ``folder``."""
    for frame in reversed(traceback.extract_tb(reason.__traceback__)):
        if Path(frame.filename).parent == folder:
            where = errors.Where(Path(frame.filename).name, frame.lineno)
            break
    text = next(iter(str(reason).strip().splitlines()), "")
    told = f"{type(reason).__name__}: {text}" if text else type(reason).__name__
    return errors.StepFailed("ingest.asset_failed", told, where, HINT)


def _marked(file: Path, names: Mapping[str, Any]) -> list[Found]:
    found = []
    for value in names.values():
        mark = getattr(value, assets.MARK, None)
        code = getattr(inspect.unwrap(value), "__code__", None) if callable(value) else None
        # A function that another file imported belongs to the file that wrote it.
        if isinstance(mark, assets.Asset) and code and code.co_filename == str(file):
            wants = tuple(inspect.signature(value).parameters)
            found.append(Found(mark, value, file, code.co_firstlineno, wants))
    return found


def _check(found: Sequence[Found]) -> None:
    tables: dict[str, Found] = {}
    for one in found:
        mark = one.mark
        if mark.table.count(".") != 1 or not all(mark.table.split(".")):
            raise _wrong(one, f"table {mark.table!r} is not written schema.table")
        if mark.table in tables:
            raise _wrong(one, f"{tables[mark.table].name} fills {mark.table} already")
        if mark.mode not in ("append", "replace"):
            raise _wrong(one, f"mode is {mark.mode!r}; it is append or replace")
        known = (*GIVEN, *(d.rpartition(".")[2] for d in mark.deps))
        strange = [w for w in one.wants if w not in known]
        if strange:
            what = f"{one.name} wants {', '.join(strange)}, and can be given {', '.join(known)}"
            raise _wrong(one, what)
        if "after" in one.wants and mark.cursor is None:
            raise _wrong(one, f"{one.name} wants after, and its mark names no cursor column")
        tables[mark.table] = one


def _ordered(found: Sequence[Found]) -> tuple[Found, ...]:
    by_table = {f.mark.table: f for f in found}
    graph = {f.mark.table: [d for d in f.mark.deps if d in by_table] for f in found}
    try:
        order = tuple(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as reason:
        circle = " -> ".join(reason.args[1])
        raise _wrong(by_table[reason.args[1][0]], f"tables wait for each other: {circle}") from None
    return tuple(by_table[name] for name in order)


def _wrong(found: Found, what: str) -> errors.StepFailed:
    return errors.StepFailed("ingest.bad_asset", what, found.where, HINT)
