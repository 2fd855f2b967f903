"""Every doubt about a restored server, a timeline or a drill has its cause."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.schema import Schema
from pyiceberg.typedef import Record
from pyiceberg.types import LongType, NestedField
from tests.unit.pipelines.backup import points

from tidewright import errors
from tidewright.model import backups, flow
from tidewright.operations import drill, unfinished
from tidewright.operations.restoring import anchor, ground, lake, replay
from tidewright.pipelines.lake import files

NOW = flow.Identity("7", 2, "bank")


def followed(position: str, source: str = "7/1/bank") -> backups.Flow:
    return backups.Flow("bank", 1, "postgres", source, position, {}, "source-bank", True)


def test_a_timeline_that_begins_where_the_lake_stands_goes_on() -> None:
    anchor.check_history("1\t0/5000000\tbefore 2026\n", NOW, followed("0/5000000"))
    anchor.check_history("# a comment\n1\t0/5000060\tx\n", NOW, followed("0/5000000"))


@pytest.mark.parametrize(
    ("history", "wanted"),
    [
        ("1\t0/4FFFFFF\tx\n", followed("0/5000000")),
        ("1\t0/5000000\tx\n", followed("0/5000000", "8/1/bank")),
        ("1\t0/1000000\tx\n3\t0/5000000\tx\n", followed("0/5000000")),
    ],
    ids=["too early", "another system", "another timeline"],
)
def test_any_other_timeline_is_refused(history: str, wanted: backups.Flow) -> None:
    with pytest.raises(errors.PromiseBroken) as caught:
        anchor.check_history(history, NOW, wanted)
    assert caught.value.code == "backup.not_continuous"


def test_topics_are_never_copied_again() -> None:
    at = flow.Connection("127.0.0.1", 1, "topics", "postgres", None)
    topics = flow.PostgresSource("log", at, "p", "s", managed=True, append_only=True)
    late = replace(followed("0/1"), exact=False, reason="it was late")
    with pytest.raises(errors.PromiseBroken, match="it was late") as caught:
        anchor.may_copy_again(topics, late)
    assert caught.value.code == "backup.not_continuous"
    anchor.may_copy_again(replace(topics, append_only=False), late)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (
            "FATAL:  recovery ended before configured recovery target was reached",
            "backup.missing_log",
        ),
        ("FATAL:  could not locate a valid checkpoint record at 0/2000060", "backup.damaged"),
        ("FATAL:  could not map anonymous shared memory", "backup.replay"),
        ("", "backup.replay"),
    ],
)
def test_a_server_that_does_not_come_up(said: str, code: str, tmp_path: Path) -> None:
    found = replay._failed(points.keep(tmp_path).point.servers[0], said)
    assert found.code == code and "store" in found.what


def report(*goals: drill.Goal) -> drill.Report:
    return drill.Report(False, 0, "bank", "laptop", "0", "p", 0, goals, (), (), {})


def test_a_drill_that_could_not_check_a_table_failed() -> None:
    found = drill.judged(report(), ["bank.users"])
    assert not found.ok and found.code == "backup.drill" and "bank.users" in found.cause


def test_a_drill_that_missed_a_goal_failed() -> None:
    goals = (drill.Goal("rto", 60.0, 20.0), drill.Goal("rpo", 60.0, 61.0))
    found = drill.judged(report(*goals), [])
    assert not found.ok and found.code == "backup.goal" and "rpo" in found.cause
    assert drill.judged(report(goals[0], drill.Goal("rpo", None, 1e6)), []).ok


def test_a_folder_that_holds_anything_is_not_taken(tmp_path: Path) -> None:
    point = points.keep(tmp_path).point
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine.txt").write_text("mine")
    with pytest.raises(errors.Refused) as caught:
        ground.begin(tmp_path / "there", point)
    assert caught.value.code == "backup.into"
    assert (tmp_path / "there" / "mine.txt").read_text() == "mine"


def test_what_is_unfinished_does_not_run_and_is_begun_anew(tmp_path: Path) -> None:
    point = points.keep(tmp_path).point
    into = tmp_path / "new"
    ground.begin(into, point)
    (into / "half").write_text("half")
    with pytest.raises(errors.Refused) as caught:
        unfinished.refuse(into)
    assert caught.value.code == "backup.unfinished"
    ground.begin(into, point)
    assert not (into / "half").exists()
    ground.finish(into)
    unfinished.refuse(into)


def test_a_path_never_leads_out_of_the_folder(tmp_path: Path) -> None:
    for path in ("/etc/passwd", "../outside", "a/../../outside"):
        with pytest.raises(errors.Refused) as caught:
            ground.inside(tmp_path, path)
        assert caught.value.code == "backup.manifest"


def test_a_data_file_in_place_of_a_list_of_dead_rows_is_not_what_was_there(tmp_path: Path) -> None:
    rows = pa.table({"id": pa.array([1, 2], pa.int64())})
    how = files.layout(Schema(NestedField(1, "id", LongType())))
    swapped = files.write_rows(tmp_path, 0, [rows], how, Record())
    with pytest.raises(errors.PromiseBroken) as caught, lake.as_told():
        files.read_deletes(swapped)
    assert caught.value.code == "backup.not_exact"


def test_a_torn_file_of_the_lake_is_not_what_was_there_and_a_full_disk_is_itself() -> None:
    with pytest.raises(errors.PromiseBroken) as caught, lake.as_told():
        raise pa.ArrowInvalid("not a Parquet file")
    assert caught.value.code == "backup.not_exact"
    with pytest.raises(OSError, match="full"), lake.as_told():
        raise OSError(28, "full")
    with pytest.raises(errors.PromiseBroken) as caught, lake.as_told():
        Path("/nowhere/at/all").read_bytes()
    assert caught.value.code == "backup.missing_file"
