"""What an edit of the project is told to have done."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tidewright.model import observed
from tidewright.pipelines.refresh import rebuilt

MARTS = (observed.MartState("daily", 301, 1, 40), observed.MartState("top", 100, 1, 0))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    (folder / "marts").mkdir(parents=True)
    for name in ("daily", "top"):
        (folder / "marts" / f"{name}.sql").write_text("select 1")
    return folder


def published(models: Path) -> tuple[str, ...]:
    """One publication by a process that has just been started."""
    watch = rebuilt.Watch([models], models.parent)
    watch.read()
    return watch.published({"daily": 288, "top": 100}, MARTS)


def test_the_first_publication_tells_of_no_edit(models: Path) -> None:
    assert published(models) == ()
    assert published(models) == ()


def test_a_changed_mart_has_its_rows_before_and_after(models: Path) -> None:
    published(models)
    os.utime(models / "marts" / "daily.sql", ns=(5, 5))
    told = "models/marts/daily.sql changed: daily: 288 -> 301 rows, 40 of them changed"
    assert published(models) == (told,)


def test_an_edit_is_told_again_until_it_is_old(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(models)
    watch = rebuilt.Watch([models], models.parent)
    os.utime(models / "marts" / "daily.sql", ns=(5, 5))
    watch.read()
    first = watch.published({"daily": 288}, MARTS)
    assert first and watch.published({"daily": 301}, MARTS) == first
    watch.until = 0.0
    assert watch.published({"daily": 301}, MARTS) == ()


def test_a_file_behind_all_marts_names_them_all(models: Path) -> None:
    published(models)
    (models / "staging.sql").write_text("select 2")
    (told,) = published(models)
    assert told.startswith("models/staging.sql added: daily: 288 -> 301 rows")
    assert "top: 100 -> 100 rows" in told


def test_a_mart_that_came_and_one_that_went(models: Path) -> None:
    before, marts = {"old": 3}, [observed.MartState("new", 7, 1, 7)]
    edited = {"models/new.sql": "added", "models/old.sql": "removed"}
    assert rebuilt.sentence(edited, before, marts) == (
        "models/new.sql added, models/old.sql removed: new: new, 7 rows; old: no longer refreshed"
    )


def test_many_files_are_counted(models: Path) -> None:
    edited = {f"models/{n}.sql": "changed" for n in range(9)}
    assert "5 more: " in rebuilt.sentence(edited, {}, MARTS)


def test_what_was_remembered_and_cannot_be_read_is_forgotten(models: Path) -> None:
    published(models)
    (models.parent / rebuilt.FILE).write_text("{")
    assert published(models) == ()
