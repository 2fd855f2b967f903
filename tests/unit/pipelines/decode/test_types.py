from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from tidewright import errors
from tidewright.pipelines.decode import pgoutput, relation, types

UTC = dt.UTC
# Declared type, SQL value, what it is carried as, what it reads as.
EXACT = [
    ("bool", "true", "bool", True),
    ("int2", "-32768", "int32", -32768),
    ("int4", "2147483647", "int32", 2147483647),
    ("int8", "-9223372036854775808", "int64", -9223372036854775808),
    ("oid", "4294967295", "int64", 4294967295),
    ("float4", "'3.4028235e38'", "float", 3.4028234663852886e38),
    ("float8", "'5e-324'", "double", 5e-324),
    ("float8", "'-Infinity'", "double", float("-inf")),
    ("numeric(38,2)", "123456789012345678901234567890123456.78", "decimal128(38, 2)",
     Decimal("123456789012345678901234567890123456.78")),
    ("numeric(8,8)", "0.00000001", "decimal128(8, 8)", Decimal("0.00000001")),
    ("numeric", "'1e200'", "string", "1" + "0" * 200),
    ("numeric(3,-2)", "12345", "string", "12300"),
    ("numeric(2,4)", "0.0012", "string", "0.0012"),
    ("numeric(50,2)", "1.5", "string", "1.50"),
    ("date", "'0001-01-01'", "date32[day]", dt.date(1, 1, 1)),
    ("date", "'9999-12-31'", "date32[day]", dt.date(9999, 12, 31)),
    ("time", "'23:59:59.999999'", "time64[us]", dt.time(23, 59, 59, 999999)),
    ("time", "'00:00'", "time64[us]", dt.time(0)),
    ("timestamp", "'9999-12-31 23:59:59.999999'", "timestamp[us]",
     dt.datetime(9999, 12, 31, 23, 59, 59, 999999)),
    ("timestamptz", "'2026-01-01 00:00:00.5+13'", "timestamp[us, tz=UTC]",
     dt.datetime(2025, 12, 31, 11, 0, 0, 500000, UTC)),
    ("bytea", "'\\x00ff7f'", "binary", b"\x00\xff\x7f"),
    ("bytea", "''", "binary", b""),
    ("text", "''", "string", ""),
    ("varchar(5)", "'é漢🙂'", "string", "é漢🙂"),
    ("char(4)", "'a'", "string", "a   "),
    ("name", "'n'", "string", "n"),
    ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "string",
     "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("json", "'{\"a\":  1}'", "string", '{"a":  1}'),
    ("jsonb", "'{\"a\":1}'", "string", '{"a": 1}'),
    ("int4[]", "'{1,NULL}'", "string", "{1,NULL}"),
    ("interval", "'1 day 2 hours'", "string", "1 day 02:00:00"),
    ("int4range", "'[1,3)'", "string", "[1,3)"),
    ("inet", "'10.0.0.1/8'", "string", "10.0.0.1/8"),
    ("timetz", "'01:02+03'", "string", "01:02:00+03"),
    ("money", "'1.5'", "string", "$1.50"),
    ("bit(3)", "'101'", "string", "101"),
    ("mood", "'glad'", "string", "glad"),
    ("small", "7", "string", "7"),
    ("pair", "row(1,'x')", "string", "(1,x)"),
]  # fmt: skip
INEXACT = [
    ("date", "infinity"),
    ("date", "0044-03-15 BC"),
    ("date", "10000-01-01"),
    ("timestamp", "-infinity"),
    ("timestamptz", "10000-01-01 00:00:00+00"),
    ("timestamp", "0044-03-15 00:00:00 BC"),
    ("time", "24:00:00"),
    ("numeric(5,2)", "NaN"),
]
GOOD = {
    "date": (1082, "2026-01-01"),
    "time": (1083, "01:00:00"),
    "timestamp": (1114, "2026-01-01 00:00:00"),
    "timestamptz": (1184, "2026-01-01 00:00:00+00"),
    "numeric(5,2)": (1700, "1.00"),
}


def fed(feed) -> object:
    decoder = pgoutput.PureDecoder({})
    for frame in feed.peek(1000):
        decoder.feed(frame)
    return decoder.finish().parts[0]


def test_every_type_arrives_exactly_or_as_its_own_text(database, source_feed):
    database.execute("create type mood as enum ('sad', 'glad'); create domain small as int4;"
                     " create type pair as (a int, b text)")  # fmt: skip
    columns = ", ".join(f"c{i} {kind}" for i, (kind, *_) in enumerate(EXACT))
    database.execute(f"create table t (id int primary key, {columns})")
    source_feed.ensure(("public.t",))
    database.execute(f"insert into t values (1, {', '.join(sql for _, sql, *_ in EXACT)})")
    database.execute("insert into t values (2)")
    table = types.typed(fed(source_feed))
    for i, (kind, sql, carried, value) in enumerate(EXACT):
        column = table.column(f"c{i}")
        assert str(column.type) == carried, (kind, sql)
        assert column.to_pylist() == [value, None], (kind, sql)


@pytest.mark.parametrize(("kind", "value"), INEXACT)
def test_a_value_that_does_not_fit_is_an_error_that_names_it(make, kind, value):
    oid, fine = GOOD[kind]
    typmod = ((5 << 16) | 2) + 4
    made = make({"k": (23, ["1"] * 4), "v": (oid, [fine, None, value, fine])}, typmod=typmod)
    with pytest.raises(errors.Refused, match=r"s\.t\.v") as raised:
        types.typed(made)
    assert raised.value.code == "source.value_not_exact"
    assert repr(value) in str(raised.value)
    assert types.typed(made, as_text=("v",)).column("v").to_pylist() == [fine, None, value, fine]


def test_only_the_columns_asked_for_are_typed(make):
    made = make({"k": (23, ["1"]), "v": (1082, ["infinity"])})
    assert types.typed(made, ("k",)).to_pydict() == {"k": [1]}


@pytest.mark.parametrize(
    ("oid", "typmod", "texts"),
    [
        (25, -1, ["", None, "é"]),
        (17, -1, ["\\x", None, "\\x00ff"]),
        (1700, ((18 << 16) | 8) + 4, ["0.00000001", None, "-12.50000000"]),
        (1700, -1, ["NaN", None, "1e5"]),
    ],
)
def test_text_comes_back_as_it_was(make, oid, typmod, texts):
    made = make({"v": (oid, texts)}, typmod=typmod)
    assert types.to_text(types.typed(made).column("v").combine_chunks()).to_pylist() == texts


def test_fixed_width_values_are_never_left_out_so_have_no_way_back():
    with pytest.raises(TypeError, match="always sent"):
        types.to_text(pa.array([1]))


def test_a_slice_reads_as_the_whole_does(make):
    made = make({"v": (17, ["\\x01", None, "\\x0203", "\\x"])})
    assert types.typed(made.slice(1, 4)).column("v").to_pylist() == [None, b"\x02\x03", b""]


def test_a_column_is_carried_as_text_when_asked():
    column = relation.Column("v", 1082, -1, key=False)
    assert types.carried(column, ("v",)).arrow == pa.string()
    assert types.carried(column).arrow == pa.date32()
