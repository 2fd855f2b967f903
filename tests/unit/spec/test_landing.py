"""Steps that land rows side by side: which may, and under which names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidewright import errors
from tidewright.assemble import build
from tidewright.model import flow, jobs
from tidewright.spec import load

FILE = """
tidewright: 0
platform: shop
sources: {bank: {postgres: {workload: c.py}}}
flow:
%s
run: {laptop: embedded}
"""
LOAD = "  - load: {connector: {python: c.py%s}, every: 5s, to: %s}"
CAPTURE = "  - capture: {from: bank, tables: [bank.users]}"
PULL = "  - pull: {python: c.py, every: 5s, to: users_topic}"


def read(folder: Path, *steps: str) -> load.Spec:
    (folder / "c.py").write_text("")
    (folder / "platform.yaml").write_text(FILE % "\n".join(steps))
    return load.load(folder / "platform.yaml")


def wrong(folder: Path, *steps: str) -> list[tuple[str, str]]:
    with pytest.raises(errors.SpecError) as caught:
        read(folder, *steps)
    return [(f.code, f.what) for f in caught.value.findings]


def test_each_load_is_a_service_named_after_where_its_rows_go(tmp_path: Path) -> None:
    steps = (CAPTURE, LOAD % (", workload: c.py", "bronze"), LOAD % (", workload: c.py", "files"))
    services = build.build(read(tmp_path, *steps)).services
    names = {s.name for s in services if s.component == "load"}
    assert names == {"load", "workload-load", "load-files", "workload-load-files"}
    told = {s.name: s.process.job for s in services if isinstance(s.process.job, jobs.LoadJob)}
    places = [(j.name, str(j.status), str(j.scratch)) for j in told.values()]
    assert len({p for place in places for p in place}) == 6, "two would write over each other"


def test_the_order_of_the_loads_changes_no_name(tmp_path: Path) -> None:
    loads = (LOAD % ("", "files"), LOAD % ("", "bronze"))
    for steps in (loads, loads[::-1]):
        services = build.build(read(tmp_path, *steps)).services
        told = {s.name: s.process.job for s in services if s.component == "load"}
        assert {n: j.name for n, j in told.items() if isinstance(j, jobs.LoadJob)} == {
            "load": "bronze",
            "load-files": "files",
        }


def test_models_see_what_a_capture_and_a_load_land(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "dbt_project.yml").write_text("")
    steps = (CAPTURE, LOAD % ("", "files"), "  - model: {dbt: models/}")
    services = build.build(read(tmp_path, *steps)).services
    (lands,) = [s.process.job.lands for s in services if isinstance(s.process.job, jobs.RefreshJob)]
    assert lands == ("bank", "files")


def test_a_load_beside_topics(tmp_path: Path) -> None:
    platform = build.build(read(tmp_path, PULL, LOAD % ("", "files")))
    found = [s.process.job for s in platform.services]
    assert [j.load for j in found if isinstance(j, jobs.LoadJob)] == [
        flow.Load(flow.Connector("python", "c.py", {}, None, 20.0), (), 5.0, "files", 120.0)
    ]


@pytest.mark.parametrize(
    ("steps", "code", "what"),
    [
        ((LOAD % ("", "a"), LOAD % ("", "a")), "file.clash", "another load's"),
        ((CAPTURE, LOAD % ("", "raw_data")), "file.clash", "where raw tables are kept"),
        ((CAPTURE, LOAD % ("", "bank")), "file.clash", "a captured schema"),
        ((PULL, LOAD % ("", "raw_data")), "file.clash", "where raw events are kept"),
        ((LOAD % ("", "topics"),), "file.clash", "the flow of the topics"),
        ((LOAD % ("", "main"),), "file.clash", "DuckDB's own schema"),
        ((PULL, CAPTURE), "file.not_yet", "capture beside pull"),
    ],
)
def test_what_cannot_stand_side_by_side(
    tmp_path: Path, steps: tuple[str, ...], code: str, what: str
) -> None:
    ((found, said),) = wrong(tmp_path, *steps)
    assert found == code
    assert what in said


def test_a_receive_beside_a_capture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text("{}")
    receive = "  - receive: {http: /e, schema: s.json, to: events, rejects: bad}"
    assert ("file.not_yet", "capture beside receive is not supported yet") in wrong(
        tmp_path, receive, CAPTURE
    )


def test_a_layer_of_the_models_is_no_place_for_rows(tmp_path: Path) -> None:
    (tmp_path / "models" / "gold").mkdir(parents=True)
    (tmp_path / "models" / "dbt_project.yml").write_text("")
    (tmp_path / "models" / "gold" / "one.sql").write_text("select 1")
    model = "  - model: {dbt: models/, layers: [gold]}"
    ((code, what),) = wrong(tmp_path, LOAD % ("", "gold"), model)
    assert (code, "a layer of the models" in what) == ("file.clash", True)
