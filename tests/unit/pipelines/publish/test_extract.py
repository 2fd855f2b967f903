"""Values go from DuckDB to PostgreSQL and arrive exactly as they were."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import duckdb
import pytest

from tidewright.pipelines.publish import extract, mart, merge, shape

VALUES = [
    ("true", True),
    ("9223372036854775807::bigint", 9223372036854775807),
    ("18446744073709551615::ubigint", Decimal(18446744073709551615)),
    (
        "170141183460469231731687303715884105727::hugeint",
        Decimal(170141183460469231731687303715884105727),
    ),
    ("-1234567890123456.78::decimal(18,2)", Decimal("-1234567890123456.78")),
    ("0.1::double + 0.2::double", 0.30000000000000004),
    ("'-inf'::double", float("-inf")),
    ("1.1::float", 1.1),
    ("''", ""),
    ("null::varchar", None),
    ("null::bigint", None),
    ("'a,\"b\"' || chr(10) || chr(92) || '.' || chr(9) || 'ü€😀'", 'a,"b"\n\\.\tü€😀'),
    ("'\\N'", "\\N"),
    ("'\\x00\\xFF'::blob", b"\x00\xff"),
    ("date '2026-02-28'", date(2026, 2, 28)),
    ("time '23:59:59.999999'", time(23, 59, 59, 999999)),
    ("timestamp '2026-01-02 03:04:05.000006'", datetime(2026, 1, 2, 3, 4, 5, 6)),
    (
        "timestamptz '2026-01-02 03:04:05.000006+02'",
        datetime(2026, 1, 2, 1, 4, 5, 6, tzinfo=UTC),
    ),
    ("interval '3 days 04:00:00'", timedelta(days=3, hours=4)),
    (
        "'0b3c1d9e-7a8b-4c5d-9e0f-112233445566'::uuid",
        UUID("0b3c1d9e-7a8b-4c5d-9e0f-112233445566"),
    ),
    ("'{\"a\": [1, null]}'::json", {"a": [1, None]}),
    ("[1, null, 3]", [1, None, 3]),
    ("{'a': 1, 'b': 'x\"y'}", {"a": 1, "b": 'x"y'}),
    ("map {'k': [1.50::decimal(5,2)]}", {"k": [1.5]}),
    ("'a'::enum('a', 'b')", "a"),
    ("timestamp_ns '2026-01-02 03:04:05.123456789'", "2026-01-02 03:04:05.123456789"),
]


@pytest.fixture(scope="module")
def arrived(postgres):
    """One mart with a column for each value, read back from PostgreSQL by column number."""
    columns = ", ".join(f'{value} as "Wert {n} ü"' for n, (value, _) in enumerate(VALUES))
    with duckdb.connect() as con, postgres.create("values") as conn:
        con.execute("set timezone = 'UTC'")
        con.execute(f'create table "My Mart" as select 1 as n, {columns}')
        read = extract.read(con, '"My Mart"', "My Mart", ("n",))
        conn.execute("create schema marts")
        with conn.transaction():
            shape.fit(conn, read)
            merge.prepare(conn, read)
            merge.load(conn, read)
            merge.apply(conn, read)
        return conn.execute('select * from marts."My Mart"').fetchone()[1:]


@pytest.mark.parametrize("number", range(len(VALUES)), ids=[value for value, _ in VALUES])
def test_a_value_arrives_exactly(number, arrived):
    expected = VALUES[number][1]
    if isinstance(expected, float):
        assert arrived[number] == pytest.approx(expected, rel=1e-6 if expected == 1.1 else 0)
    else:
        assert arrived[number] == expected


def test_an_empty_result_has_columns_and_no_rows():
    with duckdb.connect() as con:
        con.execute("create table t (n bigint)")
        read = extract.read(con, "t", "t", ())
        assert read.columns == (mart.Column("n", "bigint"),)
        assert list(read.rows()) == []
