"""The proof of a rollup sees a row too few, a row too many, and another value."""

from __future__ import annotations

import decimal

import pyarrow as pa
import pytest

from tidewright.operations.proofs import rollup
from tidewright.pipelines.rollup import plan

VIEW = plan.View(
    "per_page", "clicks",
    (plan.Column("page", "text", None), plan.Column("views", "bigint", "sum"),
     plan.Column("some", "text", "any")),
    "select 1",
)  # fmt: skip
WANTED = pa.table({"page": ["/", "/a"], "views": [2, 3], "some": ["x", "y"]})


@pytest.mark.parametrize(
    ("there", "wrong"),
    [
        ([("/", 2, "z"), ("/a", decimal.Decimal(3), "y")], (0, 0, 0)),
        ([("/", 2, "x")], (1, 0, 0)),
        ([("/", 2, "x"), ("/a", 3, "y"), ("/b", 1, "y")], (0, 1, 0)),
        ([("/", 2, "x"), ("/a", 4, "y")], (0, 0, 1)),
    ],
    ids=["any value of `any` is right", "a row too few", "a row too many", "another value"],
)
def test_each_difference_is_seen(
    there: list[tuple[object, ...]], wrong: tuple[int, int, int]
) -> None:
    found = rollup._compare("r.per_page", VIEW, WANTED, rollup._keyed(VIEW, there))
    assert (found.missing, found.extra, found.different) == wrong
