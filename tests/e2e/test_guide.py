"""``bench guide`` as a user runs it, on the example that starts quickest: every target has a figure
or a reason, and no answer is wrong. How good the figures are is no matter of a test.
"""

from __future__ import annotations

import json

import pytest

from tests.e2e.bank import Bank
from tidewright.operations.bench.guided import targets

pytestmark = [pytest.mark.heavy, pytest.mark.e2e]


def test_every_target_is_measured_and_every_answer_right() -> None:
    with Bank(None) as bank:
        words = ("bench", "guide", "clickstream", "--rows", "20000", "--seconds", "3")
        done = bank.run(*words, "-o", "json", seconds=400)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    lines = {row[1]: dict(zip(found["columns"], row, strict=True)) for row in found["rows"]}
    assert set(lines) == {t.name for t in targets.TARGETS}
    assert all(line["measured"] not in (None, "not measured") for line in lines.values())
    assert lines["SLO-04"]["measured"] == "0 %"
    told = found["summary"]
    assert (told["clickstream: exact"], told["clickstream: wrong answers"]) == (True, 0)
    assert "clickstream: failed" not in told and told["clickstream: rows loaded"] >= 20_000
