from __future__ import annotations

import dataclasses

import pytest

from tidewright.pipelines.decode import relation


def described(identity: str = "d", *names: str) -> relation.Relation:
    columns = tuple(
        relation.Column(n, 25, -1, key=identity == "f" or i == 0) for i, n in enumerate(names)
    )
    return relation.Relation(7, "s", "t", identity, columns)


@pytest.mark.parametrize(
    ("identity", "primary", "expected"),
    [("d", ("a",), ("a",)), ("i", ("b",), ("a",)), ("f", ("b",), ("b",)), ("f", (), ())],
)
def test_the_key_is_what_a_delete_brings(identity, primary, expected):
    assert relation.key_of(described(identity, "a", "b"), primary) == expected


def test_a_version_that_returns_is_another_version():
    versions = relation.Versions({})
    one, two = described("d", "a"), described("d", "a", "b")
    assert [versions.learn(r) for r in (one, one, two, one)] == [True, False, True, True]
    assert versions.relations == [one, two, one]
    assert versions.current == {7: 2}


def test_the_primary_key_decides_under_full():
    versions = relation.Versions({"s.t": ("b",)})
    versions.learn(described("f", "a", "b"))
    assert versions.key_numbers(0) == (1,)


def test_names_beyond_ascii_are_read():
    name = "tablé"
    message = b"R\0\0\0\7\0" + name.encode() + b"\0f\0\0"
    found = relation.parse(message)
    assert found.table == f"pg_catalog.{name}"
    assert dataclasses.replace(found, name="t").table == "pg_catalog.t"
