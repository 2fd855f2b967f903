"""kill -9 of a run at each point, and anywhere: main shows whole, audited rows only.

``TIDEWRIGHT_ROUNDS`` repeats each point so often (10 before a release).
CI goes through a sample of them once.
"""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from tests.e2e import sampling
from tests.e2e.branch_rig import BranchRig
from tidewright.pipelines.ingest import points
from tidewright.pipelines.lake import branches

pytestmark = pytest.mark.heavy
ROUNDS = int(os.environ.get("TIDEWRIGHT_ROUNDS", "1"))
# Points of the runner's own process; at all others only the child dies, and the runner goes on.
OF_RUNNER = {"run_made", "merge_begun", "merge_before_end", "merged", "drop_begun", "dropped"}
DROPS = {"drop_begun", "dropped"}


POINTS = tuple(p for p in points.POINTS if p != "sweep_unlinked")


@pytest.mark.parametrize("point", sampling.some(POINTS))
def test_main_is_audited_and_whole_after_kill_at(point: str) -> None:
    with BranchRig(seed=len(point), keep=0.5 if point in DROPS else 3600.0) as rig:
        for _ in range(ROUNDS):
            rig.send(bad=point in DROPS)
            if point in OF_RUNNER:
                kill_runner(rig, point)
            else:
                kill_child(rig, point)
            rig.check()
            if point in DROPS:
                rig.correct()
            catch_up(rig)
        rig.clean()


def test_main_is_whole_after_a_kill_while_files_are_removed() -> None:
    with BranchRig(seed=14) as rig:
        rig.write_job(grace=0.0)
        rig.send()
        catch_up(rig)
        with rig.lake.connect() as conn:
            conn.execute("update tidewright_branches set changed_at = now() - interval '1 hour'")
        orphan = rig.folder / "lake" / "raw" / "lines" / "data" / "left-by-a-crash.parquet"
        orphan.write_bytes(b"half")
        os.utime(orphan, (1, 1))
        rig.sweep_killed()
        rig.check()
        assert not orphan.exists()
        catch_up(rig)
        rig.clean()


def kill_runner(rig: BranchRig, point: str) -> None:
    """It passes the point at its first or its second merge."""
    passing = 1 if point in DROPS else rig.random.randint(1, 2)
    runner = rig.start(f"{point}:{passing}")
    if passing == 2:
        rig.wait("the first merge", lambda: rig.has_merged(rig.sent) or runner.poll())
        rig.send()
    rig.wait("the runner's end", lambda: runner.poll() is not None)
    assert runner.returncode == -signal.SIGKILL, f"{point} was never passed"


def kill_child(rig: BranchRig, point: str) -> None:
    runner = rig.start(point)
    left = rig.wait("a run that was cut off", lambda: cut_off(rig))
    assert "signal 9" in left[0].message or point == "audit_judged"
    rig.stop(runner)


def cut_off(rig: BranchRig) -> list[branches.Branch]:
    """Branches whose child died; when it did so after its verdict, the verdict stands."""
    return [b for b in rig.branches(gone=True) if b.state in ("failed", "merged")]


def catch_up(rig: BranchRig) -> None:
    """The next runner merges all that was sent, and nothing is torn."""
    runner = rig.start()
    rig.send()
    rig.wait("all that was sent", lambda: rig.has_merged(rig.sent))
    rig.stop(runner)
    rig.check()


def test_a_bad_batch_stays_on_its_branch_until_it_is_corrected() -> None:
    with BranchRig(seed=3) as rig:
        rig.send()
        runner = rig.start()
        rig.wait("the first batch", lambda: rig.has_merged(1))
        rig.send(bad=True)
        red = rig.wait("a red branch", lambda: [b for b in rig.branches() if b.state == "red"])[0]
        assert [c.name for c in red.checks if not c.ok] == [
            "raw.lines.amount: greater_than_or_equal_to(0)"
        ]
        assert red.touched["raw.lines"].rows == 20
        assert rig.merged() == 1
        rig.correct()
        rig.wait("the corrected batch", lambda: rig.has_merged(2))
        rig.stop(runner)
        rig.check()
        rig.clean()


def test_a_second_runner_takes_the_flow_over_and_the_first_can_do_nothing_more() -> None:
    with BranchRig(seed=8) as rig:
        rig.send()
        first = rig.start()
        rig.wait("the first batch", lambda: rig.has_merged(1))
        second = rig.start()
        rig.send()
        rig.wait("the first runner's end", lambda: first.poll() is not None)
        assert first.returncode == 4
        rig.wait("the second batch", lambda: rig.has_merged(2))
        rig.stop(second)
        rig.check()


def test_kills_anywhere() -> None:
    with BranchRig(seed=99) as rig:
        for _ in range(4 * ROUNDS):
            runner = rig.start()
            rig.send(bad=False)
            try:
                runner.wait(rig.random.uniform(0.5, 6))
            except subprocess.TimeoutExpired:
                runner.kill()
                runner.wait()
        runner = rig.start()
        rig.wait("all that was sent", lambda: rig.has_merged(rig.sent))
        rig.stop(runner)
        rig.check()
        rig.clean()
