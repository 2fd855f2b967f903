from __future__ import annotations

import json
import math

import pytest

from tidewright.pipelines.decode import jsontext, speed

CASES = [
    (16, "t", True),
    (16, "f", False),
    (20, "-9223372036854775808", -9223372036854775808),
    (701, "1e+20", 1e20),
    (701, "NaN", "NaN"),
    (701, "-Infinity", "-Infinity"),
    (701, "-0", 0),
    (1700, "12.50", 12.5),
    (1700, "NaN", "NaN"),
    (114, '{"a":\n [1, null]}', {"a": [1, None]}),
    (3802, '"x"', "x"),
    (25, "", ""),
    (25, 'q"\\/\b\f\n\r\t\x01\x1f\x7f', 'q"\\/\b\f\n\r\t\x01\x1f\x7f'),
    (25, "é漢🙂\u2028", "é漢🙂\u2028"),
    (17, "\\x00ff", "\\x00ff"),
    (1082, "infinity", "infinity"),
    (1184, "2026-01-01 00:00:00+00", "2026-01-01 00:00:00+00"),
    (25, None, None),
    (20, None, None),
    (16, None, None),
]


def plain(part):
    return jsontext.rows(part)


def compiled(part):
    return speed.load().turbojson.rows(part)


@pytest.fixture(params=[plain, compiled])
def write(request):
    if request.param is compiled and speed.load() is None:
        pytest.skip(str(speed.note()))
    return request.param


@pytest.mark.parametrize(("oid", "text", "expected"), CASES)
def test_a_value_reads_back_as_itself(make, write, oid, text, expected):
    (found,) = write(make({"v": (oid, [text])})).to_pylist()
    assert json.loads(found) == {"v": expected}
    assert not any(isinstance(v, float) and math.isnan(v) for v in json.loads(found).values())


def test_digits_are_kept(make, write):
    (found,) = write(make({"v": (1700, ["12.500"])})).to_pylist()
    assert found == '{"v":12.500}'


def test_names_are_escaped_and_in_order(make, write):
    (found,) = write(make({'b"\n': (25, ["x"]), "a": (25, ["y"])})).to_pylist()
    assert found == '{"b\\"\\n":"x","a":"y"}'


def test_a_row_that_shows_nothing_is_an_empty_object(make, write):
    made = make({"k": (25, ["x", "y"])}, "dc")
    described = made.relation
    made.relation = type(described)(1, "s", "t", "n", tuple(
        type(c)(c.name, c.type_oid, c.typmod, False) for c in described.columns))  # fmt: skip
    assert write(made).to_pylist() == ["{}", '{"k":"y"}']


def test_many_rows_pass_the_blocks_that_the_kernels_work_in(make, write):
    count = 10_001
    made = make(
        {
            "id": (23, [str(i) for i in range(count)]),
            "v": (25, ["x" * (i % 7) for i in range(count)]),
        }
    )
    found = write(made).to_pylist()
    assert [json.loads(f) for f in found] == [{"id": i, "v": "x" * (i % 7)} for i in range(count)]
