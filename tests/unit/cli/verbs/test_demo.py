"""``demo`` from the command line, when what it measured is not exact."""

from __future__ import annotations

import json

import pytest

from tidewright.cli import main
from tidewright.model import acts
from tidewright.operations import demo

FOUND = acts.Verification(False, "0/1", (acts.TableDifference("bank.users", 2, 1, 1, 0, 0),), ())
INEXACT = demo.Shown("bank-cdc", False, 1.0, 2.0, 3, 4.0, {}, FOUND, 5)


def test_a_pipe_gets_one_document_also_when_the_promise_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # No lake of ours is ever inexact, so what a demo found is made up.
    monkeypatch.setattr("tidewright.api.demo", lambda *_: (INEXACT,), raising=False)
    assert main.run(["demo", "-o", "json"]) == 7
    said = capsys.readouterr()
    assert json.loads(said.out)["ok"] is False
    assert "[lake.not_exact]" in said.err
