"""What a table's properties say of its source, read back."""

from __future__ import annotations

import pytest

from tidewright.pipelines.worker import tables


@pytest.mark.parametrize("key", [("id",), ("owner", "title"), ("a,b",), ('["', "größe")])
def test_a_key_is_read_back_whatever_its_columns_are_called(key: tuple[str, ...]) -> None:
    assert tables.known_key(tables.key_text(key)) == key


def test_a_key_of_an_older_lake_is_read() -> None:
    assert tables.known_key("owner,title") == ("owner", "title")
