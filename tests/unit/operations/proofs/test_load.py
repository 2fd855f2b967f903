"""A load held against its connector's own totals: exact, and every way in which it is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.operations.conftest import platform, service
from tests.unit.pipelines.load.loading import Load

from tidewright import errors
from tidewright.kit import files
from tidewright.model import acts, codec, values
from tidewright.model import platform as nouns
from tidewright.operations import state, verify
from tidewright.operations.proofs import load as proving
from tidewright.targets.local import layout
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres


@pytest.fixture
def load(postgres: TempPostgres, tmp_path: Path) -> Iterator[Load]:
    with lakes.TempLake(postgres, tmp_path) as lake:
        running = Load(lake, tmp_path)
        running.things = [{"id": n, "v": 1, "amount": n} for n in range(4)]
        running.change(9)
        yield running
        running.end()


@pytest.fixture
def environment(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> state.Environment:  # fmt: skip
    """As ``up`` leaves it; nothing runs but what the test runs itself."""
    monkeypatch.setattr(layout, "SYSTEM", tmp_path / "system")
    place = layout.create(tmp_path, "laptop")
    file = place.folder(values.Folder("config", "load/job.json"))
    file.parent.mkdir(parents=True)
    files.replace_private(file, codec.dumps(load.job))
    made = service("load")
    process = nouns.Process(made.process.argv, job=load.job)
    applied = platform(nouns.Service("load", "pulls", "load", process))
    state.write_applied(place, applied)
    return state.Environment("laptop", place, applied)


def broken(found: acts.Verification) -> list[str]:
    return [each.name for each in found.invariants if not each.ok]


def test_a_synced_load_is_exact(load: Load, environment: state.Environment) -> None:
    load.sync()
    load.change(5)
    load.sync()
    found = verify.verify(environment, seconds=5)
    assert found.ok
    newest = {r["id"] for r in load.orders}
    counts = {t.table: (t.source_rows, t.lake_rows) for t in found.tables}
    assert counts == {"bronze.orders": (len(newest),) * 2, "bronze.things": (4, 4)}
    names = {each.name for each in found.invariants}
    assert "bronze.orders: sum of amount" in names
    assert "bronze.orders: each record once" in names


def test_what_the_source_has_since_does_not_count(
    load: Load, environment: state.Environment
) -> None:
    load.sync()
    load.change(50)
    assert verify.verify(environment, seconds=5).ok


def test_a_value_that_differs_is_found(load: Load, environment: state.Environment) -> None:
    load.sync()
    load.orders[-1]["amount"] += 1
    load.set()
    found = verify.verify(environment, seconds=5)
    assert not found.ok
    assert broken(found) == ["bronze.orders: sum of amount"]


def test_a_row_too_few_is_found(load: Load, environment: state.Environment) -> None:
    load.sync()
    load.orders.append({"id": 999, "v": 1, "amount": 0})
    load.set()
    found = verify.verify(environment, seconds=5)
    assert not found.ok
    assert {t.table: t.missing for t in found.tables}["bronze.orders"] == 1


def test_a_record_that_landed_twice_is_found(load: Load, environment: state.Environment) -> None:
    running = load.sync()
    table = running.lake.lake.tables["bronze.orders"]
    number = next(iter(table.data_files))
    table.add_rows(table.read(number, [f.name for f in table.schema.fields]))
    assert running.lake.commit((), "world-1") is not None
    found = verify.verify(environment, seconds=5)
    assert broken(found) == ["bronze.orders: each record once"]


def test_a_stream_that_is_not_there_is_found(load: Load, environment: state.Environment) -> None:
    load.told(streams=("orders",))
    load.sync()
    assert broken(verify.verify(environment, seconds=5)) == ["things is loaded"]


def test_a_load_that_never_came_to_an_end(load: Load, environment: state.Environment) -> None:
    both = {"orders": {"page": 1, "what": "raise"}, "things": {"page": 1, "what": "exit"}}
    load.set(trouble=both)
    load.sync()
    with pytest.raises(errors.TimedOut) as refused:
        verify.verify(environment, seconds=0)
    assert refused.value.code == "load.not_synced"


def test_a_connector_that_cannot_count(load: Load, environment: state.Environment) -> None:
    load.sync()
    (load.folder / "world.json").write_text("{}")
    with pytest.raises(errors.StepFailed) as failed:
        verify.verify(environment, seconds=5)
    assert failed.value.code == "load.no_totals"


def test_another_source_does_not_count(load: Load, environment: state.Environment) -> None:
    load.sync()
    load.set(identity="world-2")
    with pytest.raises(errors.StepFailed, match=r"it speaks for world-2"):
        verify.verify(environment, seconds=5)


def test_what_was_restored_is_proved_without_the_connector(
    load: Load, environment: state.Environment
) -> None:
    running = load.sync()
    (load.folder / "world.json").write_text("{}")  # nobody can be asked
    found = proving.standing(environment, "load", load.job, print, 0)
    assert found.ok and "bronze.orders: each record once" in {i.name for i in found.invariants}
    table = running.lake.lake.tables["bronze.orders"]
    number = next(iter(table.data_files))
    table.add_rows(table.read(number, [f.name for f in table.schema.fields]))
    assert running.lake.commit((), "world-1") is not None
    again = proving.standing(environment, "load", load.job, print, 0)
    assert [i.name for i in again.invariants if not i.ok] == ["bronze.orders: each record once"]
