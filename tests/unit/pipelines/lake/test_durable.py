"""Folders that every reader of URIs opens, whatever a table is called."""

from __future__ import annotations

import re

from tidewright.pipelines.lake import durable

NAMES = [
    "users",
    "my table",
    "my~20~table",
    "C#",
    "100%",
    "a/b",
    "..",
    "日本",
    "größe",
    "[y]*?",
    "~",
]


def test_a_folder_is_plain_and_belongs_to_one_table() -> None:
    made = [durable.folder_name(name) for name in NAMES]
    assert made[0] == "users"
    assert made[1] == "my~20~table"
    assert len(set(made)) == len(NAMES)
    assert all(re.fullmatch(r"[A-Za-z0-9_$~-]+", name) for name in made)


def test_the_longest_name_fits_a_folder() -> None:
    assert len(durable.folder_name("%" * 63)) <= 255
    assert len(durable.folder_name("日" * 21)) <= 255
