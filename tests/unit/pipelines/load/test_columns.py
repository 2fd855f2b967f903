"""JSON schema to columns, records to rows: typed, strict, and never a silent null."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tidewright.pipelines.lake import schema as lake_schema
from tidewright.pipelines.load import columns

STAMP = columns.Stamp(first=7, at_ms=1_700_000_000_000, generation=2)


def shape(properties, never_null=(), **rest):
    return columns.shape({"properties": properties, **rest}, never_null)


def one(described, value):
    """What the table holds of one value."""
    found = columns.rows(shape({"x": described}), [{"x": value}], STAMP)
    return found.column("x")[0].as_py()


@pytest.mark.parametrize(
    ("described", "value", "held"),
    [
        ({"type": "integer"}, 2**62, 2**62),
        ({"type": ["null", "integer"]}, None, None),
        ({"type": "integer"}, Decimal("3.0"), 3),
        ({"type": "number"}, Decimal("0.1"), 0.1),
        ({"type": "number", "multipleOf": 0.01}, Decimal("12.30"), Decimal("12.30")),
        ({"type": "number", "multipleOf": 0.01}, 12, Decimal("12.00")),
        ({"type": "boolean"}, True, True),
        ({"type": "string"}, "", ""),
        ({"type": "string", "format": "date"}, "2026-02-28", date(2026, 2, 28)),
        (
            {"type": "string", "format": "date-time"},
            "2026-01-01T01:00:00.000001+01:00",
            datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        ),
        (
            {"type": "string", "format": "date-time"},
            "2026-01-01T00:00:00Z",
            datetime(2026, 1, 1, tzinfo=UTC),
        ),
        ({"type": "object"}, {"a": [Decimal("1.5"), "é"]}, '{"a":[1.5,"é"]}'),
        ({"type": ["string", "integer"]}, 5, "5"),
        ({}, "x", '"x"'),
    ],
)
def test_a_value_arrives_as_it_is(described, value, held):
    assert one(described, value) == held


@pytest.mark.parametrize(
    ("described", "value"),
    [
        ({"type": "integer"}, "5"),
        ({"type": "integer"}, True),
        ({"type": "integer"}, 2**63),
        ({"type": "integer"}, Decimal("1.5")),
        ({"type": "number"}, "1.5"),
        ({"type": "number", "multipleOf": 0.01}, Decimal("1.005")),
        ({"type": "number", "multipleOf": 0.01}, Decimal(10) ** 36),
        ({"type": "boolean"}, 1),
        ({"type": "string"}, 5),
        ({"type": "string", "format": "date"}, "2026-02-30"),
        ({"type": "string", "format": "date-time"}, "yesterday"),
        (
            {
                "type": "string",
                "format": "date-time",
                "airbyte_type": "timestamp_without_timezone",
            },
            "2026-01-01T00:00:00Z",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_refused(described, value):
    with pytest.raises(columns.Misfit, match="x is"):
        one(described, value)


def test_our_columns_number_and_date_every_row():
    found = columns.rows(shape({"x": {"type": "integer"}}), [{"x": 1}, {"x": 2}], STAMP)
    assert found.column("_seq").to_pylist() == [7, 8]
    assert found.column("_airbyte_raw_id").to_pylist() == ["2-7", "2-8"]
    assert found.column("_airbyte_generation_id").to_pylist() == [2, 2]
    moment = found.column("_airbyte_extracted_at")[0].as_py()
    assert moment == datetime.fromtimestamp(1_700_000_000, UTC)


def test_a_needed_value_must_be_there():
    wanted = shape({"id": {"type": ["null", "integer"]}}, ("id",))
    with pytest.raises(columns.Misfit, match="id is missing"):
        columns.rows(wanted, [{"id": 1}, {"id": None}], STAMP)


def test_what_the_schema_does_not_name_is_kept():
    found = columns.rows(shape({"x": {"type": "integer"}}), [{"x": 1, "y": [2]}, {"x": 3}], STAMP)
    assert found.column("_additional_properties").to_pylist() == ['{"y":[2]}', None]


def test_what_the_schema_forbids_is_refused():
    closed = shape({"x": {"type": "integer"}}, additionalProperties=False)
    with pytest.raises(columns.Misfit, match="it has y"):
        columns.rows(closed, [{"x": 1, "y": 2}], STAMP)


@pytest.mark.parametrize(
    ("properties", "never_null", "why"),
    [
        ({}, (), "names no properties"),
        ({"x": {"type": "integer"}}, ("id",), "does not name id"),
        ({"Id": {"type": "integer"}, "id": {"type": "integer"}}, (), "upper and lower case"),
        ({"x": {"type": "money"}}, (), "does not know"),
        ({"x": True}, (), "no object"),
    ],
)
def test_a_schema_that_no_table_can_hold(properties, never_null, why):
    with pytest.raises(columns.Unusable, match=why):
        shape(properties, never_null)


def test_a_property_with_our_name_is_renamed():
    found = columns.rows(shape({"_seq": {"type": "integer"}}), [{"_seq": 99}], STAMP)
    assert found.column("_seq").to_pylist() == [7]
    assert found.column("src__seq").to_pylist() == [99]


def test_a_new_property_is_a_new_column():
    have = columns.table_schema(shape({"x": {"type": "integer"}}))
    news = columns.changes(have, shape({"x": {"type": "integer"}, "y": {"type": "string"}}))
    assert [(c.name, str(c.type)) for c in news] == [("y", "string")]
    assert isinstance(news[0], lake_schema.AddColumn)


def test_a_property_that_left_stays_as_a_column():
    have = columns.table_schema(shape({"x": {"type": "integer"}, "y": {"type": "string"}}))
    assert columns.changes(have, shape({"x": {"type": "integer"}})) == ()


def test_a_changed_type_is_no_small_thing():
    have = columns.table_schema(shape({"x": {"type": "integer"}}))
    with pytest.raises(columns.Unusable, match="x changed: the table has x long"):
        columns.changes(have, shape({"x": {"type": "string"}}))
