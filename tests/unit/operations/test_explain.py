"""``explain``: roles, derived names, codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidewright import errors
from tidewright.operations import explain

BANK = Path(__file__).parents[3] / "examples" / "bank-cdc"


def test_every_service_is_played_by_somebody() -> None:
    found = explain.explain(BANK, "laptop")
    played = {name for role in found.roles for name in role.runs}
    assert played == {n for n, *_ in found.services if not n.startswith("grants-")}
    assert all(role.why for role in found.roles)


def test_derived_names_are_listed() -> None:
    derived = {(d.what, d.name) for d in explain.explain(BANK, "laptop").derived}
    assert ("replication slot at bank", "tidewright_bank_laptop_bank") in derived
    assert ("raw changes of bank.users", "raw_data.users") in derived


def test_a_code_is_explained_and_a_wrong_one_guessed() -> None:
    assert explain.explain_code("file.wrong_unit").remedy
    assert "JVM" in explain.explain_code("metabase").cause
    with pytest.raises(errors.SpecError, match=r"file\.wrong_unit") as caught:
        explain.explain_code("file.wrong_unt")
    assert caught.value.code == "cli.no_such_code"


def test_a_load_names_the_table_of_each_stream() -> None:
    found = explain.explain(BANK.parent / "elt-lakehouse" / "platform.yaml")
    derived = {(d.what, d.name) for d in found.derived}
    assert ("records of the stream orders", "bronze.orders") in derived
