"""From what was observed to what is shown."""

from __future__ import annotations

import dataclasses

from tests.unit.console import scenes

from tidewright.console import board
from tidewright.model import observed, views

NOW = 1_800_000_000_000


def shown(seen: views.Observation) -> board.Board:
    return board.build(seen, scenes.history(), board.Trail((1.0, 2.0), (), ()))


def test_all_is_well() -> None:
    found = shown(scenes.observation(now_ms=NOW))
    assert (found.state, found.problems) == ("running", ())
    assert [t.value for t in found.tiles][3:] == ["18.0 kB", "1,947"]
    assert [m.chart is not None for m in found.marts] == [True, True, True]


def test_trouble_is_named_and_failing_checks_come_first() -> None:
    found = shown(scenes.observation(trouble=True, now_ms=NOW))
    assert found.state == "degraded"
    assert found.problems == (
        "service refresh is backoff: exit code 1",
        "check emails_are_unique: 2 rows are wrong; the last good marts are kept",
    )
    assert [c.ok for c in found.checks] == [False, True, True]


def test_nothing_observed_is_a_page_too() -> None:
    found = shown(views.Observation(at_ms=NOW))
    assert found.state == "stopped"
    assert {node.state for node in found.map.nodes} <= {"waiting", "running"}


def test_a_silent_supervisor_means_stopped() -> None:
    seen = scenes.observation(now_ms=NOW)
    assert shown(dataclasses.replace(seen, at_ms=NOW + 60_000)).state == "stopped"


def test_a_silent_worker_is_a_problem() -> None:
    seen = scenes.observation(now_ms=NOW)
    assert seen.capture
    old = dataclasses.replace(seen.capture, at_ms=NOW - 60_000)
    problems = shown(dataclasses.replace(seen, capture=old)).problems
    assert problems == ("capture last spoke 60 s ago",)


def test_a_stopped_table_is_a_problem_with_its_reason() -> None:
    seen = scenes.observation(now_ms=NOW)
    assert seen.capture
    halted = observed.DatasetState(
        "bank.cards", "stopped", 0, 0.0, None, None, "column x was retyped"
    )
    capture = dataclasses.replace(seen.capture, datasets=(halted,))
    problems = shown(dataclasses.replace(seen, capture=capture)).problems
    assert problems == ("bank.cards stopped: column x was retyped",)


def test_a_rollups_tables_have_cards_with_the_files_charts() -> None:
    table = observed.DatasetState("olap.pages", "following", 1200, 1.0, None, None)
    mover = observed.MoverStatus(NOW - 2000, 1, "rollup", True, "running", "", datasets=(table,))
    other = dataclasses.replace(mover, stage="sessions")
    seen = views.Observation(at_ms=NOW, movers={"rollup": mover, "sessions": other})
    assert board.marts(seen) == ("pages",)
    columns = (views.Column("page", "text"), views.Column("events", "number"))
    sample = views.MartSample("pages", views.Answer(columns, (("/", "3"),)), "Pages")
    found = board.build(seen, views.History((), (sample,)), board.Trail((), (), ()))
    (card,) = found.marts
    assert (card.name, card.rows) == ("pages", "1,200 rows")
    assert card.chart is not None and card.chart.title == "Pages"
