"""Errors for a person and for a pipe, and what happens with one that nobody expected.

One JSON shape for every failure: ``{schemaVersion, error: {code, what, where, hint}, findings}``,
and ``advice`` where there is some.
A traceback goes to a file that only its owner can read, never to the screen.
"""

from __future__ import annotations

import itertools
import json
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tidewright import __version__, errors
from tidewright.cli import output
from tidewright.kit import files

INTERRUPTED = 130
_REPORT = "Please report it with that file, after a look that it holds nothing private."


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether ``-o json`` was asked for; errors may come before options are parsed."""
    words = list(arguments)
    if any(w in ("-ojson", "--output=json", "-o=json") for w in words):
        return True
    pairs = itertools.pairwise(words)
    return any(w in ("-o", "--output") and following == "json" for w, following in pairs)


def show(reason: errors.PlatformError, arguments: Sequence[str]) -> int:
    """Print every finding; returns the exit code."""
    if wants_json(arguments):
        click.echo(json.dumps(as_json(reason), ensure_ascii=False, indent=2))
        return reason.exit_code
    return tell(reason)


def tell(reason: errors.PlatformError) -> int:
    """For a person, in any form: after an answer, stdout already has its one document."""
    for finding in reason.findings:
        head, _, hint = str(finding).partition("\n")
        output.say(output.paint(head, "red"))
        output.say(hint)
    for finding in _advice(reason):
        output.say(f"Advice: {finding}")
    if len(reason.findings) > 1:
        output.say(f"{len(reason.findings)} findings.")
    return reason.exit_code


def as_json(reason: errors.PlatformError) -> dict[str, Any]:
    """The one shape of a failure."""
    findings = [as_map(f) for f in reason.findings]
    told = {"schemaVersion": output.SCHEMA_VERSION, "error": findings[0], "findings": findings}
    advice = [as_map(f) for f in _advice(reason)]
    return told | ({"advice": advice} if advice else {})


def _advice(reason: errors.PlatformError) -> tuple[errors.Finding, ...]:
    return reason.advice if isinstance(reason, errors.SpecError) else ()


def usage(reason: click.UsageError) -> errors.SpecError:
    """A wrong command line, as our own error."""
    path = reason.ctx.command_path if reason.ctx else "tidewright"
    what = reason.format_message().rstrip(".")
    finding = errors.Finding("cli.usage", what, errors.Where(path), f"See: {path} --help")
    return errors.SpecError((finding,))


def defect(reason: Exception, arguments: Sequence[str], started_in: Path) -> errors.Bug:
    """Keep the traceback in a file and say where it is."""
    verb = next((a for a in arguments if not a.startswith("-")), "")
    head = f"tidewright {__version__} {verb}\nPython {sys.version}\n{platform.platform()}\n\n"
    text = head + "".join(traceback.format_exception(reason))
    place = _keep(text, started_in)
    kept = f"The details are in {place}." if place else "The details could not be kept."
    what = f"this is a defect of tidewright: {type(reason).__name__}"
    return errors.Bug("cli.defect", what, f"tidewright {verb}".strip(), f"{kept} {_REPORT}")


def _keep(text: str, started_in: Path) -> Path | None:
    name = f"defect-{time.strftime('%Y%m%d-%H%M%S')}.log"
    state = started_in / ".tidewright"
    candidates = [state] if state.is_dir() else []
    candidates += [Path.home() / ".local" / "state" / "tidewright"]
    for folder in candidates:
        try:
            files.replace_private(files.private_folder(folder) / name, text)
        except OSError:
            continue
        return folder / name
    try:
        fallback = Path(tempfile.mkdtemp(prefix="tidewright-")) / name
        files.replace_private(fallback, text)
    except OSError:
        return None
    return fallback


def as_map(finding: errors.Finding) -> dict[str, Any]:
    """A finding as JSON has it."""
    where = {"name": finding.where.name, "line": finding.where.line, "column": finding.where.column}
    return {"code": finding.code, "what": finding.what, "where": where, "hint": finding.hint}
