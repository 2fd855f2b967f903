from __future__ import annotations

import pytest
from pyiceberg import types as ice

from tidewright import errors
from tidewright.pipelines.decode import schema


def test_the_key_identifies_and_only_it_is_required(make):
    made = schema.schema_of(make({"id": (20, ["1"]), "v": (25, ["x"])}).relation, ("id",))
    assert made.identifier_field_names() == {"id"}
    assert [(f.field_id, f.name, f.field_type, f.required) for f in made.fields] == [
        (1, "id", ice.LongType(), True),
        (2, "v", ice.StringType(), False),
    ]


def test_decimals_keep_their_digits(make):
    relation = make({"n": (1700, ["1"])}, typmod=((18 << 16) | 2) + 4).relation
    assert schema.schema_of(relation, ()).fields[0].field_type == ice.DecimalType(18, 2)


def test_a_floating_key_is_refused(make):
    with pytest.raises(errors.Refused) as raised:
        schema.schema_of(make({"k": (701, ["1"])}).relation, ("k",))
    assert raised.value.code == "source.table_unfit"


def test_raw_is_partitioned_by_date_then_table(make):
    raw = schema.raw_schema(make({"id": (20, ["1"])}).relation, None, ("id",))
    names = [raw.find_column_name(f.source_id) for f in schema.raw_partition(raw).fields]
    assert names == ["partition_date", "source_table"]
