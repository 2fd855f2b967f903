"""``check``: every finding of the file, in all environments or one, before anything runs.

When the file is right, sources of the user's own whose URL is stored are checked as well
(``check_source``).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tidewright import errors
from tidewright.assemble import build, flows
from tidewright.model import flow as flow_nouns
from tidewright.operations import check_source, project
from tidewright.spec import load
from tidewright.targets.local import layout
from tidewright.vault import files as vault


@dataclass(frozen=True, slots=True)
class Checked:
    """A file without findings. ``advice`` is worth doing and holds nothing up."""

    platform: str
    environments: tuple[str, ...]
    sources: tuple[str, ...]
    advice: tuple[errors.Finding, ...]


def check(file: Path, environment: str | None = None) -> Checked:
    """Check the file. Raises SpecError with all findings, those of every environment."""
    specs = load.load_all(project.find(file), None if environment is None else (environment,))
    findings: list[errors.Finding] = []
    for spec in specs:
        try:
            build.build(spec)
        except errors.SpecError as reason:
            findings += [f for f in reason.findings if f not in findings]
    _raise(findings)
    asked, advice = [], []
    for spec in specs:
        for source in (s for s in flows.flow(spec).sources if not s.managed):
            asked.append(source.name)
            found = tuple(_source(spec, source))
            findings += [f for f, advised in found if not advised and f not in findings]
            advice += [f for f, advised in found if advised and f not in advice]
    _raise(findings, advice)
    names = tuple(s.environment for s in specs)
    return Checked(specs[0].document.platform, names, tuple(dict.fromkeys(asked)), tuple(advice))


def _source(
    spec: load.Spec, source: flow_nouns.PostgresSource
) -> Iterator[tuple[errors.Finding, bool]]:
    """What is missing at one source, each with whether it is only advice."""
    assert source.connection.url is not None
    name, captured = source.connection.url.name, _captured(spec, source.name)
    with tempfile.TemporaryDirectory(prefix="tidewright-") as spare:
        try:
            secrets = _secrets(spec, name, Path(spare))
            found = check_source.check(source, tuple(captured), secrets)
        except errors.PlatformError as reason:
            found = (check_source.unreachable(reason),)
    for missing in found:
        path = captured.get(missing.table or "", ("sources", source.name, "postgres", "url"))
        where = spec.where(*path)
        yield errors.Finding(missing.code, missing.what, where, missing.do), missing.advice


def _captured(spec: load.Spec, source: str) -> dict[str, tuple[str | int, ...]]:
    """The captured tables, each with its place in the file."""
    stages = enumerate(flows.flow(spec).stages)
    return {
        table: ("flow", n, "capture", "tables", i)
        for n, stage in stages
        if isinstance(stage, flow_nouns.Capture) and stage.source == source
        for i, table in enumerate(stage.tables)
    }


def _secrets(spec: load.Spec, name: str, spare: Path) -> Path:
    """A folder with the secret: the environment's own, or a spare one filled from the variable."""
    given = os.environ.get("TIDEWRIGHT_SECRET_" + name.upper().replace("-", "_"))
    if given:
        vault.write(spare, name, given)
        return spare
    place = layout.locate(spec.folder, spec.environment)
    return place.secrets if place else spare


def _raise(findings: list[errors.Finding], advice: Sequence[errors.Finding] = ()) -> None:
    if findings:
        ordered = sorted(findings, key=lambda f: (f.where.line or 0, f.where.column or 0))
        raise errors.SpecError(tuple(ordered), tuple(advice))
