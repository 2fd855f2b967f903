"""Every noun survives the way to JSON and back, and the text is canonical."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from tidewright.model import codec, flow, jobs, observed, platform, values

SECRET = values.Secret("store_admin")
CONNECTION = flow.Connection(values.Ref("store", "sql", "host"), 5432, "catalog", "lake", SECRET)
SOURCE = flow.PostgresSource("bank", CONNECTION, "pub", "slot", managed=True)
CAPTURE = flow.Capture("bank", ("bank.users",), "raw_data", {"bank.users": ("id", "email")})
LAKE = jobs.Lake(CONNECTION, values.Folder("lake"))
JOB = jobs.CaptureJob(
    name="bank",
    source=SOURCE,
    capture=CAPTURE,
    lake=LAKE,
    secrets=values.Folder("secrets"),
    status=values.Join((values.Folder("run"), "/capture.json")),
)
SERVICE = platform.Service(
    name="capture",
    role="capture",
    component="capture",
    process=platform.Process(
        argv=("python", values.Folder("config", "job.json")),
        files={"a.conf": values.Join(("port=", values.Ref("store", "sql", "port")))},
        prepare=(platform.Prepare(("initdb",), values.Folder("data", "PG_VERSION"), SECRET),),
        job=JOB,
    ),
    probe=platform.Heartbeat(values.Folder("run", "capture.json"), 5.0),
    needs=("store",),
)
PLATFORM = platform.Platform(
    name="bank",
    environment="laptop",
    target="local",
    services=(SERVICE,),
    endpoints=(platform.Endpoint("sql", "store", values.Join(("postgresql://",)), "lake", None),),
    secrets=("store_admin",),
    grants=(
        platform.Grant(platform.Claim("capture", "database", "store", "catalog"), "lake", SECRET),
    ),
)
FLOW = flow.Flow(
    sources=(SOURCE,),
    stages=(CAPTURE, flow.Transform("models"), flow.Check("checks", "keep-last-good")),
    goals=flow.Goals(fresh=30.0),
)
STATUS = observed.CaptureStatus(
    at_ms=1,
    pid=2,
    healthy=True,
    state="running",
    message="",
    position="0/16B3748",
    commits=3,
    lag_bytes=None,
    wal_kept_bytes=4,
    wal_cap_bytes=None,
    changes=5,
    datasets=(observed.DatasetState("bank.users", "following", 6, 7.5, None, None),),
    hops={"source_to_lake": observed.Percentiles(1.0, 2.0, 3.0)},
)


@pytest.mark.parametrize("noun", [JOB, SERVICE, PLATFORM, FLOW, STATUS], ids=lambda n: type(n))
def test_round_trip(noun: object) -> None:
    assert codec.loads(type(noun), codec.dumps(noun)) == noun
    assert codec.loads(type(noun), codec.pretty(noun)) == noun


def test_text_is_canonical() -> None:
    one, other = codec.dumps(values.Folder("run", "ä")), codec.dumps(values.Folder("run", "ä"))
    assert one == other == '{"is":"Folder","path":"ä","root":"run"}\n'


def test_order_of_a_mapping_does_not_show() -> None:
    forward = flow.Capture("b", (), "raw", {"x": ("1",), "y": ()})
    backward = flow.Capture("b", (), "raw", {"y": (), "x": ("1",)})
    assert codec.dumps(forward) == codec.dumps(backward)


def test_a_union_is_told_apart_by_its_class() -> None:
    for probe in (platform.Tcp("sql"), platform.Http("web", "/"), platform.Command(("true",))):
        text = codec.dumps(platform.Service("s", "r", "c", platform.Process(()), probe=probe))
        assert codec.loads(platform.Service, text).probe == probe


def test_absent_fields_take_their_defaults() -> None:
    text = '{"at_ms": 1, "pid": 2, "healthy": true, "message": "", "changes": 3, "rate": 4}'
    assert codec.loads(observed.WorkloadStatus, text).schema_version == 1


def test_unknown_fields_of_a_newer_writer_are_left_out() -> None:
    assert codec.loads(values.Secret, '{"name": "x", "since": "2030"}') == values.Secret("x")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (values.Secret, '{"is": "Folder", "name": "x"}'),
        (values.Secret, '{"name": 3}'),
        (values.Secret, "[]"),
        (values.Folder, '{"root": "elsewhere"}'),
        (observed.Percentiles, '{"p50": true, "p95": 1, "p99": 1}'),
        (flow.Goals, '{"fresh": "30s"}'),
    ],
)
def test_text_that_is_no_such_noun_is_refused(kind: type, text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        codec.loads(kind, text)


def test_a_missing_field_without_default_is_refused() -> None:
    with pytest.raises(TypeError):
        codec.loads(values.Secret, "{}")


def test_a_whole_number_serves_as_a_float() -> None:
    percentiles = codec.loads(observed.Percentiles, '{"p50": 1, "p95": 2, "p99": 3}')
    assert percentiles == observed.Percentiles(1.0, 2.0, 3.0)
    assert all(type(v) is float for v in (percentiles.p50, percentiles.p95, percentiles.p99))


def test_transform_replaces_outermost_first_and_keeps_the_rest() -> None:
    def resolved(value: object) -> object:
        return "/lake" if isinstance(value, values.Folder) else value

    lake = codec.transform(LAKE, resolved)
    assert lake.warehouse == "/lake"
    assert lake.catalog == CONNECTION


def test_no_secret_has_a_printable_value() -> None:
    @dataclass(frozen=True)
    class Holder:
        secret: values.Secret

    assert json.loads(codec.dumps(Holder(SECRET)))["secret"]["name"] == "store_admin"
    assert str(SECRET) == "secret:store_admin"
