import json

import pytest

from tidewright import errors
from tidewright.pipelines.receive import judge

SCHEMA = {
    "type": "object",
    "required": ["id"],
    "additionalProperties": False,
    "properties": {"id": {"type": "integer"}, "page": {"type": "string", "pattern": "^/"}},
}
CHECK = judge.compile_schema(SCHEMA, "schema.json")


def test_an_array_is_divided():
    found = judge.judge(b'[{"id":1},{"id":"x"},{"page":"/a"},{"id":2,"page":"a"}]', "array", CHECK)
    assert found.taken == ['{"id":1}']
    assert [r.number for r in found.rejected] == [1, 2, 3]
    assert "integer" in found.rejected[0].reason
    assert json.loads(found.rejected[2].value) == {"id": 2, "page": "a"}


def test_one_event_alone_is_a_batch():
    assert judge.judge(b'{"id":7}', "array", CHECK).taken == ['{"id":7}']


def test_a_line_that_is_no_json_is_one_rejected_event():
    found = judge.judge(b'{"id":1}\n\n{"id":\n{"id":2}\r\n\xff\n', "lines", CHECK)
    assert found.taken == ['{"id":1}', '{"id":2}']
    assert [r.number for r in found.rejected] == [1, 3]
    assert json.loads(found.rejected[0].value) == '{"id":'


def test_nothing_is_lost_or_counted_twice():
    body = b"\n".join([b'{"id":1}', b"3", b"[]", b"null", b"nope", b'{"id":2,"extra":1}'])
    found = judge.judge(body, "lines", CHECK)
    assert len(found.taken) + len(found.rejected) == 6


@pytest.mark.parametrize("body", [b"", b"[1,", b'{"id":NaN}', b'["\\ud800"]'])
def test_a_body_that_is_no_json_is_refused_whole(body):
    with pytest.raises(judge.Unreadable, match="not JSON") as caught:
        judge.judge(body, "array", CHECK)
    assert caught.value.status == 400


def test_too_many_events_are_refused():
    with pytest.raises(judge.Unreadable) as caught:
        judge.judge(json.dumps([{"id": 1}] * 501).encode(), "array", CHECK)
    assert caught.value.status == 413


def test_a_long_rejected_event_is_kept_in_part():
    body = json.dumps([{"id": 1, "page": "é" * 20_000}]).encode()
    (rejected,) = judge.judge(body, "array", CHECK).rejected
    assert len(json.loads(rejected.value)) <= judge.KEPT_BYTES


@pytest.mark.parametrize(
    "schema",
    [
        [],
        {"type": "object"},
        {"properties": {"a": {"type": "strange"}}},
        {"properties": {"a": {"$ref": "https://example.com/a.json"}}},
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(schema):
    with pytest.raises(errors.Refused) as caught:
        judge.compile_schema(schema, "schema.json")
    assert caught.value.code == "topic.schema"


MOMENTS = judge.compile_schema(
    {"properties": {"at": {"type": "string", "format": "date-time"}}}, "schema.json"
)


@pytest.mark.parametrize(
    ("at", "is_taken"),
    [
        ("2026-11-21T20:00:00Z", True),
        ("2026-11-21t20:00:00.123456789+02:00", True),
        ("9999-12-31T23:59:59-12:00", False),  # a moment of the year 10000
        ("0001-01-01T00:00:00+01:00", False),
        ("2026-02-30T00:00:00Z", False),
        ("2026-11-21", False),
        ("20261121T200000Z", False),
    ],
)
def test_a_moment_is_one_that_every_table_can_hold(at, is_taken):
    found = judge.judge(json.dumps([{"at": at}]).encode(), "array", MOMENTS)
    assert bool(found.taken) is is_taken
    assert is_taken or "date-time" in found.rejected[0].reason


def test_a_character_that_no_table_holds_is_a_reason():
    check = judge.compile_schema({"properties": {}}, "schema.json")
    body = json.dumps([{"a": ["x\0"]}, {"b\0": 1}, {"a": "\\u0000"}]).encode()
    found = judge.judge(body, "array", check)
    assert [r.number for r in found.rejected] == [0, 1]
    assert all("U+0000" in r.reason for r in found.rejected)
    assert [json.loads(t) for t in found.taken] == [{"a": "\\u0000"}]
