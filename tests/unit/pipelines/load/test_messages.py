"""A line is a message of Airbyte's protocol, one of our two, or garbage with its beginning."""

import json
from decimal import Decimal

import pytest

from tidewright.pipelines.load import messages


def line(value):
    return json.dumps(value).encode()


def test_what_we_say_is_what_we_hear():
    said = messages.catalog(
        [
            {
                "name": "orders",
                "json_schema": {"properties": {}},
                "supported_sync_modes": ["full_refresh", "incremental"],
                "default_cursor_field": ["at"],
                "source_defined_primary_key": [["id"]],
            }
        ],
        "shop-1",
    )
    orders = messages.Stream(
        "orders", {"properties": {}}, ("full_refresh", "incremental"), ("at",), ("id",)
    )
    assert messages.parse(line(said)) == messages.Catalog((orders,), "shop-1")
    assert messages.parse(line(messages.state("a", {"n": 1}, 3))) == messages.State(
        "a", {"n": 1}, 3
    )
    assert messages.parse(line(messages.ended("a", "COMPLETE"))) == messages.Ended("a", True)
    assert messages.parse(line(messages.failed("a", "no"))) == messages.Failed("a", "no")
    assert messages.parse(line(messages.failed(None, "no"))) == messages.Failed(None, "no")
    told = messages.totals("a", 2, {"total": Decimal("1.10")})
    assert messages.parse(line(told)) == messages.Totals("a", 2, {"total": Decimal("1.10")})


def test_a_fraction_keeps_its_digits():
    said = b'{"type": "RECORD", "record": {"stream": "a", "data": {"x": 0.1000000000000000000001}}}'
    assert messages.parse(said) == messages.Record("a", {"x": Decimal("0.1000000000000000000001")})


def test_a_global_state_is_of_no_stream():
    said = {"type": "STATE", "state": {"type": "GLOBAL", "global": {"shared_state": {"n": 1}}}}
    found = messages.parse(line(said))
    assert isinstance(found, messages.State)
    assert found.stream is None


@pytest.mark.parametrize(
    "said",
    [
        b"<html>Bad gateway</html>",
        b"[1, 2]",
        b'{"type": "RECORD", "record": {"stream": "a", "data": [1]}}',
        b'{"type": "RECORD", "record": {"stream": "a", "data": {"x": NaN}}}',
        b'{"type": "STATE"}',
        b'{"type": "CATALOG", "catalog": {"streams": [{"name": "a", "json_schema": 3}]}}',
    ],
)
def test_garbage_is_named(said):
    with pytest.raises(messages.Garbage):
        messages.parse(said)


def test_what_we_do_not_know_is_no_failure():
    assert isinstance(messages.parse(b'{"type": "CONTROL"}'), messages.Note)
