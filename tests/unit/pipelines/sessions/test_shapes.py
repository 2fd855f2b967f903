import json

import pyarrow as pa
import pytest
from tests.unit.pipelines.sessions.test_landing import SCHEMA, STAGE

from tidewright import errors
from tidewright.model import flow, jobs
from tidewright.operations.proofs import sessions as proof
from tidewright.pipelines.lake import topicrows
from tidewright.pipelines.sessions import properties, shapes


def job(tmp_path, stage: flow.Sessions = STAGE, schema: object = SCHEMA) -> jobs.SessionsJob:
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(schema))
    lake = jobs.Lake(flow.Connection("127.0.0.1", 1, "catalog", "nobody", None), "")
    return jobs.SessionsJob("sessions", stage, lake, str(tmp_path), str(file), "", "")


def test_tables_follow_the_schema_and_the_stage(tmp_path):
    found = shapes.shapes(job(tmp_path))
    assert found.read == {"visitor": "varchar", "at": "timestamptz", "page": "varchar"}
    assert found.events.columns.names == [
        "topic_offset", "received_at", "visitor", "at", "page", "received_on",
    ]  # fmt: skip
    assert "first_page" in found.sessions.columns.names
    assert found.late.name == "web.late_events"


def test_types_of_properties(tmp_path):
    told = {
        "a": {"type": ["number", "null"]},
        "b": {"type": "integer"},
        "c": {"enum": ["x"]},
        "d": {"type": "object"},
        "e": {"type": "string", "format": "date-time"},
        "not a name": {"type": "string"},
    }
    found = properties.properties(_written(tmp_path, {"properties": told}))
    assert found == {
        "a": "number", "b": "integer", "c": "string", "d": "string", "e": "date-time",
    }  # fmt: skip
    assert properties.KINDS["date-time"][1] == pa.timestamp("us", "UTC")


def _written(tmp_path, schema: object):
    file = tmp_path / "s.json"
    file.write_text(json.dumps(schema))
    return file


@pytest.mark.parametrize(
    ("stage", "code"),
    [
        (flow.Sessions("t", "nobody", "at", 1, 1, "web"), "stream.no_such_property"),
        (flow.Sessions("t", "visitor", "page", 1, 1, "web"), "stream.no_time"),
        (flow.Sessions("t", "visitor", "at", 1, 1, "web", ("no",)), "stream.no_such_property"),
    ],
)
def test_a_stage_that_does_not_fit_its_events_is_refused(tmp_path, stage, code):
    with pytest.raises(errors.Refused) as caught:
        shapes.shapes(job(tmp_path, stage))
    assert caught.value.code == code


def test_nothing_landed_yet_is_said(tmp_path):
    with pytest.raises(errors.Refused) as caught:
        proof._standing(job(tmp_path), "web.sessions")
    assert caught.value.code == "lake.delta_empty"


def test_a_catalog_that_is_not_there_is_waited_for(tmp_path):
    asked = topicrows.Reader(job(tmp_path).lake, tmp_path, {})
    with pytest.raises(errors.Transient):
        asked.head()
    asked.close()
    assert topicrows._away("gone\nmore").code == "lake.not_readable"
