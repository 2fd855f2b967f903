"""The user's dbt project, run in this process. The one module that imports dbt.

It is parsed once and again when a file changes. Nothing is written into the project: profile,
target and logs lie in the scratch folder, and no statistics leave the machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunner

from tidewright import errors
from tidewright.model import observed
from tidewright.pipelines.transform import checks, engine, messages
from tidewright.pipelines.transform import layers as steps

PROFILE = "tidewright"
QUIET = (
    "--no-send-anonymous-usage-stats", "--no-version-check",
    "--no-use-colors", "--no-write-json", "--quiet", "--log-level", "none",
    "--log-level-file", "none",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parsed:
    """What the project says: the tables it reads and the models it makes."""

    sources: tuple[str, ...]
    models: Mapping[str, engine.Model]


@dataclass(frozen=True, slots=True)
class Built:
    """What one run gave. ``problems``: models and tests that did not run; then nothing counts."""

    checks: tuple[observed.CheckState, ...]
    problems: tuple[errors.Finding, ...]


class ProjectInvalid(errors.StepFailed):
    """dbt cannot read the project."""


class Project:
    """One dbt project bound to one engine."""

    def __init__(
        self, folder: Path, scratch: Path, at: engine.Engine, layers: Sequence[str] = ()
    ) -> None:
        self.folder = folder
        self._layers = layers
        self._engine = at
        self._manifest: Any = None
        self._flags = (
            "--project-dir", str(folder), "--profiles-dir", str(scratch), "--profile", PROFILE,
            "--target-path", str(scratch / "target"), "--log-path", str(scratch / "logs"),
        )  # fmt: skip
        (scratch / "profiles.yml").write_text(_profile(at.profile()))

    def parse(self) -> Parsed:
        """Read all files of the project. Raises ProjectInvalid with dbt's reason."""
        answer = dbtRunner().invoke([*QUIET, "parse", *self._flags])
        if not answer.success:
            raise self._invalid(str(answer.exception))
        self._manifest = answer.result
        for found in steps.problems(self._manifest, self._layers) if self._layers else ():
            raise ProjectInvalid(found.code, found.what, found.where, found.hint)
        return Parsed(_sources(self._manifest), _models(self._manifest))

    def build(self) -> Built:
        """Run all models and their tests, in order; what follows a failure is skipped."""
        answer = dbtRunner(manifest=self._manifest).invoke([*QUIET, "build", *self._flags])
        if answer.result is None:
            raise self._invalid(str(answer.exception or "dbt gave no reason"))
        results: Any = answer.result
        states, problems = [], []
        for result in results.results:
            if str(result.status) == "error":
                problems.append(_problem(result))
            elif str(result.status) in ("pass", "warn", "fail"):
                states.append(self._test(result))
        return Built(tuple(states), tuple(problems))

    def _test(self, result: Any) -> observed.CheckState:
        """The state of a dbt test, with a sample of its rows when it failed."""
        name, failures = str(result.node.name), int(result.failures or 0)
        if str(result.status) != "fail":
            return observed.CheckState(name, True, failures, (), str(result.message or ""))
        try:
            rows = self._engine.look(str(result.node.compiled_code), checks.SAMPLE).rows
        except engine.QueryFailed:
            rows = ()  # the count and dbt's message stay true without a sample
        return observed.CheckState(name, False, failures, rows, str(result.message or ""))

    def _invalid(self, text: str) -> ProjectInvalid:
        found = messages.of_dbt(text, "refresh.project_invalid", f"{self.folder.name}/")
        return ProjectInvalid(found.code, found.what, found.where, found.hint)


def _profile(output: Mapping[str, object]) -> str:
    """The profile for dbt; JSON is YAML, and quotes whatever a path contains."""
    return json.dumps({PROFILE: {"target": "run", "outputs": {"run": dict(output)}}})


def _sources(manifest: Any) -> tuple[str, ...]:
    found = {f"{s.schema}.{s.identifier}" for s in manifest.sources.values()}
    return tuple(sorted(found))


def _models(manifest: Any) -> Mapping[str, engine.Model]:
    nodes = [n for n in manifest.nodes.values() if str(n.resource_type) in ("model", "seed")]
    return {n.name: _model(n, manifest) for n in nodes}


def _model(node: Any, manifest: Any) -> engine.Model:
    relation = node.relation_name or ""
    key = _key(node, manifest)
    return engine.Model(node.name, relation, key, str(node.schema), str(node.alias))


def _key(node: Any, manifest: Any) -> tuple[str, ...]:
    """The declared ``unique_key``, or the first column that is tested as unique and not null."""
    declared = node.config.get("unique_key")
    if declared:
        return (declared,) if isinstance(declared, str) else tuple(declared)
    tested: dict[str, set[str]] = {}
    for test in manifest.nodes.values():
        if getattr(test, "attached_node", None) == node.unique_id and test.test_metadata:
            tested.setdefault(str(test.column_name), set()).add(test.test_metadata.name)
    keys = (column for column, names in tested.items() if {"unique", "not_null"} <= names)
    return tuple(sorted(keys)[:1])


def _problem(result: Any) -> errors.Finding:
    """Why a model or a test did not run."""
    node, text = result.node, str(result.message or "dbt gave no reason")
    code = getattr(node, "compiled_code", None)
    if code and messages.has_place(text):
        return messages.of_query(text, "refresh.model_failed", node.original_file_path, str(code))
    return messages.of_dbt(text, "refresh.model_failed", node.original_file_path)
