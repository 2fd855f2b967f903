"""Derived names."""

from __future__ import annotations

import re

from tidewright.assemble import names


def test_plain_names_read_as_the_design_says() -> None:
    assert names.replication("bank", "laptop", "bank") == "tidewright_bank_laptop_bank"


def test_slots_are_legal_and_differ_whatever_the_words() -> None:
    pairs = [
        ("a-b", "c", "d"),
        ("a_b", "c", "d"),
        ("a", "b-c", "d"),
        ("a", "b", "c-d"),
        ("a_b", "c", "d_e"),
        ("a", "b_c_d", "e"),
        ("x" * 40, "laptop", "y" * 40),
        ("x" * 40, "server", "y" * 40),
        ("x" * 40, "laptop", "y" * 39 + "z"),
    ]
    made = [names.replication(*p) for p in pairs]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"[a-z0-9_]{1,63}", m) for m in made)


def test_a_long_role_is_cut_and_closed_with_a_hash() -> None:
    role = names.role("d" * 60, "capture")
    assert len(role) == 63
    assert role != names.role("d" * 60, "read")
