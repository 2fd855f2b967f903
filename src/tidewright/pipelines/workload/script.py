"""The user's script: a Python file with ``setup(connection)`` and ``step(connection, changes)``.

The file runs as it is, in the runner's process. Whatever it raises becomes one message that names
its file and line; the runner then waits and tries again, and an edited file is loaded anew.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tidewright import errors

Setup = Callable[[psycopg.Connection[Any]], object]
Step = Callable[[psycopg.Connection[Any], int], int]
HINT = "Correct the script; the runner loads it again as soon as the file changes."


@dataclass(frozen=True, slots=True)
class Script:
    """The two functions of one loaded file, and which version of the file they are of."""

    path: Path
    version: int
    setup: Setup
    step: Step

    def is_stale(self) -> bool:
        """Whether the file has changed since. A file that is gone for a moment has not."""
        return version(self.path) not in (0, self.version)


class ScriptFailed(errors.StepFailed):
    """The user's script raised, or is not a workload script."""


def version(path: Path) -> int:
    """A number that changes with the file; 0 when it is not there."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def load(path: Path) -> Script:
    """Run the file and take its two functions. Raises ScriptFailed."""
    seen = version(path)
    names = run(path, ("setup", "step"), "setup(connection) and step(connection, changes)")
    return Script(path, seen, names["setup"], names["step"])


def run(path: Path, needed: Sequence[str], written: str) -> dict[str, Any]:
    """Run the file and give its names. Raises ScriptFailed, also when a needed one is no function.

    ``written``: those functions with their parameters, for the message.
    """
    names: dict[str, Any] = {"__name__": "workload", "__file__": str(path)}
    try:
        code = compile(path.read_text(), str(path), "exec")
        exec(code, names)  # noqa: S102  running the user's own script is what we are here for
    except OSError as reason:
        raise _refusal(path, f"it cannot be read ({reason.strerror})", written) from None
    except SyntaxError as reason:
        raise failure(path, reason, reason.lineno) from None
    except Exception as reason:  # the user's module may raise anything at all
        raise failure(path, reason) from None
    for name in needed:
        if not callable(names.get(name)):
            raise _refusal(path, f"it has no function {name}", written)
    return names


def failure(path: Path, reason: Exception, line: int | None = None) -> ScriptFailed:
    """What the script raised, with the deepest line that is the script's own."""
    if line is None:
        frames = traceback.extract_tb(reason.__traceback__)
        line = next((f.lineno for f in reversed(frames) if f.filename == str(path)), None)
    text = next(iter(str(reason).strip().splitlines()), "")
    told = f"{type(reason).__name__}: {text}" if text else type(reason).__name__
    return ScriptFailed("workload.script_failed", told, errors.Where(path.name, line), HINT)


def _refusal(path: Path, why: str, written: str) -> ScriptFailed:
    told = f"this is not a workload script: {why}"
    hint = f"Write {written}, as the packaged examples do."
    return ScriptFailed("workload.not_a_script", told, path.name, hint)
