from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pyarrow as pa

from tidewright.pipelines.decode import rawrows, schema


def test_the_layout_is_the_declared_columns_then_our_own(make):
    made = make({"id": (20, ["1", "2"]), "email": (25, ["a", None])}, op="cu")
    made.ts_us[:] = [1_767_225_599_999_999, 1_767_225_600_000_000]
    rows = rawrows.raw_rows(made, ("id", "email"), ("id",))
    assert rows.to_pylist() == [
        {"id": 1, "email": "a", "data": '{"id":1,"email":"a"}', "op": "c",
         "ts_ms": 1_767_225_599_999, "source_table": "s.t",
         "partition_date": dt.date(2025, 12, 31), "_lsn": 100, "_xid": 701, "_seq": 1},
        {"id": 2, "email": None, "data": '{"id":2,"email":null}', "op": "u",
         "ts_ms": 1_767_225_600_000, "source_table": "s.t",
         "partition_date": dt.date(2026, 1, 1), "_lsn": 200, "_xid": 702, "_seq": 2},
    ]  # fmt: skip


def test_the_key_is_declared_by_default(make):
    made = make({"id": (20, ["1"]), "email": (25, ["a"])})
    assert rawrows.raw_rows(made, None, ("id",)).column_names == ["id", *rawrows.OWN]


def test_a_clashing_column_is_prefixed(make):
    made = make({"op": (25, ["x"])})
    rows = rawrows.raw_rows(made, None, ("op",)).to_pylist()
    assert (rows[0]["src_op"], rows[0]["op"], rows[0]["data"]) == ("x", "c", '{"op":"x"}')


def test_a_delete_shows_its_key_or_all_it_knows(make):
    columns = {"id": (23, ["1"]), "v": (25, ["x"])}
    assert rawrows.raw_rows(make(columns, "d"), None, ("id",))["data"].to_pylist() == ['{"id":1}']
    full = make(columns, "d", identity="f")
    assert rawrows.raw_rows(full, None, ("id",))["data"].to_pylist() == ['{"id":1,"v":"x"}']


def test_a_truncate_has_no_row_and_the_first_copy_no_transaction(make):
    made = make({"id": (23, [None, "1"])}, "tr")
    made.xid[1] = 0
    rows = rawrows.raw_rows(made, None, ("id",)).to_pylist()
    assert [r["data"] for r in rows] == [None, '{"id":1}']
    assert [r["_xid"] for r in rows] == [701, None]


def test_a_value_that_was_not_sent_is_left_out_not_null(make):
    made = make({"id": (23, ["1", "2"]), "big": (25, [None, None])}, "uu")
    made.unchanged = {1: np.array([True, False])}
    data = rawrows.raw_rows(made, None, ("id",))["data"].to_pylist()
    assert data == ['{"id":1}', '{"id":2,"big":null}']


def test_raw_rows_have_the_raw_schema(make):
    made = make({"id": (23, ["1"]), "data": (1184, ["2026-01-01 00:00:00+00"])})
    rows = rawrows.raw_rows(made, ("data",), ("id",))
    expected = schema.raw_schema(made.relation, ("data",), ("id",))
    assert rows.column_names == [f.name for f in expected.fields]
    for field in expected.fields:
        assert schema.iceberg_type(rows.schema.field(field.name).type) == field.field_type


def test_days_before_the_epoch_and_milliseconds_round_down(make):
    made = make({"id": (23, ["1"])})
    made.ts_us[:] = -1
    row = rawrows.raw_rows(made, None, ("id",)).to_pylist()[0]
    assert (row["ts_ms"], row["partition_date"]) == (-1, dt.date(1969, 12, 31))


def test_an_empty_part_gives_no_rows(make):
    made = make({"id": (23, ["1"])}).slice(0, 0)
    assert rawrows.raw_rows(made, None, ("id",)).num_rows == 0
    assert json.loads("[]") == rawrows.json_of(made).to_pylist()
    assert rawrows.json_of(made).type == pa.string()


def test_no_two_columns_share_a_name_in_the_raw_log() -> None:
    names = ["data", "src_data", "src_src_data", "id", "source_table", "src_id"]
    made = [rawrows.raw_name(name).casefold() for name in names]
    assert len({*made, *rawrows.OWN}) == len(names) + len(rawrows.OWN)
    assert rawrows.raw_name("Data") == "src_Data"
