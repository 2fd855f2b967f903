"""Noting findings: each once, and without looking at all the others each time."""

from __future__ import annotations

import pytest

from tidewright import errors
from tidewright.spec import findings, tree


def test_many_findings_are_not_compared_with_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of a quarter megabyte may hold twenty thousand wrong keys: pairs would take hours."""
    compared: list[int] = []

    def equal(mine: errors.Finding, other: object) -> bool:
        compared.append(1)
        return str(mine) == str(other)

    monkeypatch.setattr(errors.Finding, "__eq__", equal)
    report = findings.Reporter("platform.yaml")
    for _ in range(2):
        for n in range(300):
            report.add("file.unknown_key", f"the key k{n} is unknown", tree.Mark(n + 1, 1), "None.")
    assert len(report.found) == 300
    assert len(compared) <= 600
