"""The table of targets, and what becomes of a figure."""

from __future__ import annotations

from tidewright.operations import init
from tidewright.operations.bench import guide
from tidewright.operations.bench.guided import lake, marts, targets

BY_NAME = {t.name: t for t in targets.TARGETS}


def test_a_ratio_above_one_is_better_than_wanted_whichever_way_is_better() -> None:
    simple, many = BY_NAME["PRF-01"], BY_NAME["PRF-05"]
    assert (simple.ratio(0.05), simple.met(0.05)) == (2.0, True)
    assert (simple.ratio(0.2), simple.met(0.2)) == (0.5, False)
    assert (many.ratio(250), many.met(250)) == (2.5, True)
    assert (many.ratio(50), many.met(50)) == (0.5, False)
    assert BY_NAME["SLO-04"].ratio(0) is None and BY_NAME["SLO-04"].met(0)


def test_every_platform_has_questions_and_every_reason_a_target() -> None:
    names = set(init.examples())
    assert set(marts.QUESTIONS) == set(lake.QUESTIONS) == set(guide.LOADING) == names
    for platform, target in targets.NOT_HERE:
        assert platform in names and target in BY_NAME
    assert not set(targets.NEVER) & set(BY_NAME)
    for found in marts.QUESTIONS.values():
        assert {"simple", "medium"} == {q.size for q in found}
    for found in lake.QUESTIONS.values():
        assert [q.size for q in found] == ["complex", "report"]


def test_what_does_not_apply_has_its_reason_and_what_was_not_measured_is_missed() -> None:
    measured = {t.name: t.wanted for t in targets.TARGETS if t.name != "SLO-03"}
    lines = {line[1]: line for line in targets.lines("branching-lakehouse", measured, {})}
    assert "a run begins every 15 s" in str(lines["SLO-03"][-1]) and lines["SLO-03"][4] is None
    assert lines["PRF-01"][3:6] == ("0.1 s", "0.1 s", 1.0)
    assert targets.missed("branching-lakehouse", measured) == ()
    assert targets.missed("bank-cdc", measured) == ("SLO-03",)
    lines = {line[1]: line for line in targets.lines("bank-cdc", measured, {})}
    assert lines["SLO-03"][4] == "not measured"
