from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.unit.operations.conftest import Started, platform, service

from tidewright.kit import files
from tidewright.model import codec, observed, values, views
from tidewright.model import platform as nouns
from tidewright.operations import state, status
from tidewright.targets.local import layout, ports


def _service(state: str = "running", healthy: bool = True) -> observed.ServiceState:
    return observed.ServiceState("a", "r", state, 1, healthy, "")  # type: ignore[arg-type]


def _seen(
    *services: observed.ServiceState, refresh: str = "running", table: str = "following"
) -> views.Observation:
    dataset = observed.DatasetState("bank.users", table, 7, 1.5, "0/1", 5)  # type: ignore[arg-type]
    hop = observed.Percentiles(1.0, 2.0, 3.0)
    return views.Observation(
        0,
        observed.SupervisorStatus(0, 1, 0.0, "running", services),
        observed.CaptureStatus(
            0, 1, True, "running", "", "0/2", 3, 9, 1, 2, 4, (dataset,), {"source_to_lake": hop}
        ),
        observed.RefreshStatus(0, 1, True, refresh, "", None, 0, (), ()),  # type: ignore[arg-type]
    )


def test_overall_is_degraded_by_a_service_a_check_or_a_table() -> None:
    well = _service()
    assert status.overall(_seen(well), alive=True) == "running"
    assert status.overall(_seen(well, _service("done")), alive=True) == "running"
    assert status.overall(_seen(well, _service("backoff", False)), alive=True) == "degraded"
    assert status.overall(_seen(well, refresh="degraded"), alive=True) == "degraded"
    assert status.overall(_seen(well, table="stopped"), alive=True) == "degraded"
    assert status.overall(_seen(well), alive=False) == "stopped"


def test_a_mover_is_listed_and_can_degrade() -> None:
    dataset = observed.DatasetState("bronze.orders", "following", 7, 1.5, None, 5)
    hop = {"source_to_lake": observed.Percentiles(4.0, 5.0, 6.0)}
    mover = observed.MoverStatus(0, 1, "load", True, "running", "", "7", 9, 2, (dataset,), hop)
    seen = replace(_seen(_service()), movers={"load-shop": mover})
    assert status.overall(seen, alive=True) == "running"
    listed = status._flows(seen, alive=True)[-1]
    assert (listed["dataset"], listed["position"]) == ("bronze.orders", "7")
    assert listed["freshness_ms"] == {"p50": 4.0, "p95": 5.0, "p99": 6.0}
    worse = replace(seen, movers={"load-shop": replace(mover, state="degraded")})
    assert status.overall(worse, alive=True) == "degraded"


def test_what_nobody_reports_any_more_is_not_well(project: Path) -> None:
    """With a full disk the last words of the supervisor stay for ever."""
    seen = replace(_seen(_service()), at_ms=60_000)
    assert status.overall(seen, alive=True) == "degraded"
    found = status._services(_environment(project), seen, alive=True)[0]
    assert (found["state"], found["healthy"]) == ("unhealthy", False)
    assert found["message"].startswith("no news for 60 s")


def _environment(project: Path) -> state.Environment:
    url = values.Join(
        ("postgresql://", values.Ref("a", "sql", "host"), ":", values.Ref("a", "sql", "port"))
    )
    endpoints = (
        nouns.Endpoint("marts", "a", url, "reader", "marts-reader"),
        nouns.Endpoint("catalog.sql", "a", url, None, None),
    )
    place = layout.create(project, "laptop")
    ports.write(place.root, {"a.sql": 5000})
    state.write_applied(place, platform(service("a", ports=("sql",)), endpoints=endpoints))
    files.replace(place.run / "capture.json", codec.dumps(_seen().capture))
    return state.find(project, "laptop")


def test_the_contract_of_the_answer(project: Path) -> None:
    found = status.status(_environment(project))
    assert list(found) == [
        "schemaVersion", "platform", "environment", "state", "endpoints", "services", "flows",
    ]  # fmt: skip
    url = "postgresql://127.0.0.1:5000"
    assert found["endpoints"] == {
        "marts": {"url": url, "user": "reader", "secret": "marts-reader"},
        "catalog": {"sql": {"url": url, "user": None, "secret": None}},
    }
    assert found["services"][0] | {"role": ""} == {
        "name": "a", "role": "", "state": "stopped", "pid": None, "healthy": False, "message": "",
        "restarts": 0,
    }  # fmt: skip
    flow = found["flows"][0]
    assert {k: flow[k] for k in ("dataset", "rows", "position", "snapshot")} == {
        "dataset": "bank.users", "rows": 7, "position": "0/1", "snapshot": 5,
    }  # fmt: skip
    assert flow["rate"] == 0.0
    assert flow["freshness_ms"] is None


def test_a_running_environment_says_so(project: Path, started: Started) -> None:
    found = status.status(started(service("a")))
    assert (found["state"], found["services"][0]["state"]) == ("running", "running")
    assert found["services"][0]["pid"]
    assert found["flows"] == []
