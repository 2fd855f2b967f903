"""Codes of the exact current state: what can be wrong with the keys of a table."""

from __future__ import annotations

from tidewright.errors.codes import Code

CODES: dict[str, Code] = {
    "lake.key_null": Code(
        "A key column holds a null",
        "A change carries no value for a column that the table's key is made of, so no row can be"
        " told from another.",
        "Give the table a primary key, or a replica identity over columns that are not null.",
    ),
    "lake.key_type": Code(
        "A key column has a type that cannot be a key",
        "Arrays, records and other nested values have no canonical bytes to compare.",
        "Use a key of numbers, text, bytes, dates or times.",
    ),
    "lake.key_twice": Code(
        "A key is twice in a current-state table",
        "Something other than the flow's own worker wrote to the table.",
        "Stop every other writer of the lake; copy the table again from its source.",
    ),
    "lake.key_missing": Code(
        "An unchanged value was asked for of a row that is not there",
        "The source sent an update without a large value, and the lake does not hold the row"
        " that the value belongs to.",
        "Run verify, and copy the table again from its source.",
    ),
}
