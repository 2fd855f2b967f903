from __future__ import annotations

import dataclasses

from tests.unit.operations.conftest import capturing, platform

from tidewright.operations import changes
from tidewright.targets.local import description

A = description.Unit("a", "keeps", "server", ("x",), "/f")
B = description.Unit("b", "shows", "server", ("y",), "/f")


def _say(new: list[description.Unit], old: list[description.Unit], running: set[str]) -> list[str]:
    before = description.Description("p", "e", tuple(old))
    after = description.Description("p", "e", tuple(new))
    return [s.sentence for s in changes.steps(after, before, frozenset(running))]


def test_nothing_changes_when_all_is_equal_and_runs() -> None:
    assert _say([A], [A], {"a"}) == []


def test_what_does_not_run_is_started() -> None:
    assert _say([A, B], [A], set()) == ["Start a (keeps).", "Create b (shows)."]


def test_what_is_gone_is_stopped_only_when_it_runs() -> None:
    assert _say([], [A, B], {"a"}) == ["Stop a: it is no longer in the file."]


def test_a_restart_says_why() -> None:
    for change, why in (
        ({"files_digest": "1"}, "its configuration changed"),
        ({"job_digest": "1"}, "its job changed"),
        ({"ports": (1,)}, "its port changed"),
        ({"env": {"a": "b"}}, "its command changed"),
        ({"needs": ("b",)}, "its definition changed"),
    ):
        assert _say([dataclasses.replace(A, **change)], [A], {"a"}) == [f"Restart a: {why}."]


def test_a_live_service_is_told_its_job() -> None:
    live = dataclasses.replace(A, live=True)
    new = dataclasses.replace(live, job_digest="1")
    assert _say([new], [live], {"a"}) == ["Tell a its new job, while it runs."]


def test_tables_that_come_are_copied_and_those_that_go_are_lost() -> None:
    old, new = platform(capturing("s.a", "s.b")), platform(capturing("s.b", "s.c"))
    steps = changes.data_steps(new, old)
    assert [(s.verb, s.subject, s.loses_data) for s in steps] == [
        ("create", "s.c", False),
        ("remove", "s.a", True),
    ]


def test_a_source_that_goes_is_a_loss() -> None:
    steps = changes.data_steps(platform(), platform(capturing("s.a")))
    assert [(s.subject, s.loses_data) for s in steps] == [("bank", True)]


def test_the_first_up_loses_nothing() -> None:
    assert changes.data_steps(platform(capturing("s.a")), None) == ()


def test_a_table_that_never_had_a_row_may_go_unasked() -> None:
    old, new = platform(capturing("s.a", "s.b")), platform(capturing("s.b"))
    (step,) = changes.data_steps(new, old, frozenset({"s.a"}))
    assert (step.verb, step.subject, step.loses_data) == ("remove", "s.a", False)
